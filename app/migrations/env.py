"""Alembic's environment. ``app.core.migrate`` runs it and hands over a connection."""

from __future__ import annotations

import importlib
from typing import Any

from alembic import context

from app.core.db import Base

MODELS = (
    "app.core.jobs",
    "app.accounts.models",
    "app.brands.models",
    "app.customers.models",
    "consent.models",
    "campaigns.models",
    "tracking.models",
)
for module in MODELS:
    importlib.import_module(module)


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave partitions alone: the parent tables are compared, beat makes the partitions."""
    return not (kind == "table" and reflected and compare_to is None and "_p" in (name or ""))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=include_object,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
