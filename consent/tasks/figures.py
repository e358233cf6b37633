"""Periodic work on the figures of forms."""

from __future__ import annotations

from app.core.jobs import periodic
from consent.engine import seen


@periodic("consent.carry_form_views", every=60)
def carry_form_views() -> None:
    """Bring the views of forms from Valkey to the database."""
    seen.carry()
