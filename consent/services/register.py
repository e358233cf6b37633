"""Changing the texts that the controller adds to the register of processing."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import RegisterText
from consent.policy.register import Text


def set_texts(session: Session, texts: Mapping[Text, str]) -> None:
    """Keep these texts; a blank one brings back what is said by itself."""
    for key, text in texts.items():
        values = {"text": "\n".join(line.rstrip() for line in text.strip().splitlines()), "updated_at": clock.now()}
        statement = insert(RegisterText).values(key=key.value, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))
