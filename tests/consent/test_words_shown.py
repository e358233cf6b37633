"""The exact words that people agreed to stay what they were, and a change behind our back is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from consent.policy import chain
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Actor
from consent.queries.verify import verify
from consent.services import forms, wordings
from consent.services.forms import FormSpec, default_texts
from consent.services.ledger import append
from tests.factories import consent as make


def agreed(session: Session) -> int:
    """Somebody who agreed to words and read a notice; returns the id of the words."""
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    form = forms.create(session, FormSpec("Home", brand, (topic,), texts=default_texts("Exemple")))
    wording = wordings.ensure(session, form, "consent", "en", "I would like to receive e-mails.")
    told = "Who asks, what for, how long"
    wordings.ensure(session, form, "notice_shown", "en", told)
    read = {"notice_version": "1", "notice_sha256": chain.words_digest("notice_shown", "en", 1, told)}
    entry = make.entry(topic, Level.CONFIRMED, Basis.CONSENT, Actor.SUBSCRIBER, evidence=read)
    append(session, make.make_contact(session), replace(entry, wording_id=wording, form_id=form, language="en"))
    return wording


@pytest.mark.parametrize("column", ["kind", "language", "version", "text"])
def test_row_36_words_that_were_shown_cannot_be_changed_unseen(session: Session, column: str) -> None:
    wording = agreed(session)
    assert verify(session).broken is None
    other = "version + 50" if column == "version" else f"{column} || ' more'"
    for which, what in ((f"id = {wording}", "words that were"), ("kind = 'notice_shown'", "notice that was")):
        statement = text(f"UPDATE wording SET {column} = {other} WHERE {which}")
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(statement)
        with session.begin_nested() as savepoint:
            session.execute(text("ALTER TABLE wording DISABLE TRIGGER wording_append_only"))
            session.execute(statement)
            found = verify(session).broken
            assert found is not None and what in found.what
            session.execute(text(f"DELETE FROM wording WHERE {which}"))
            found = verify(session).broken
            assert found is not None and what in found.what
            savepoint.rollback()
