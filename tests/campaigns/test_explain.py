"""Why somebody did or did not get a campaign, and how far one is."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.customers.queries.timeline import TimelineEntry
from campaigns.policy import EXCLUDED
from campaigns.queries import timeline
from campaigns.queries.explain import Explanation, Verdict, explain
from campaigns.queries.progress import progress
from campaigns.services.freeze import freeze
from campaigns.services.launch import launch
from campaigns.services.withdrawals import context, mark_unsubscribed
from consent.policy.standing import Action
from consent.queries.gates import GATES
from tests.factories.campaigns import TAGGED, Made, make_campaign, make_segment
from tests.factories.consent import act, make_contact, permitted_contact


@pytest.fixture(autouse=True)
def smtp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some relay is named; nothing is sent here."""
    monkeypatch.setattr("app.core.config._current", settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}))


def start(session: Session, campaign: Made) -> None:
    launch(session, campaign.id)
    freeze(session, campaign.id)


def shut(explanation: Explanation) -> list[str]:
    return [step.gate for step in explanation.steps if step.verdict is Verdict.SHUT]


def test_gates_are_told_in_their_order_up_to_the_shut_one(session: Session) -> None:
    campaign = make_campaign(session)
    gone = permitted_contact(session, campaign.topic_id)
    act(session, gone, Action.WITHDRAW, topic_id=campaign.topic_id)
    start(session, campaign)
    why = explain(session, campaign.id, gone)
    assert [step.gate for step in why.steps] == [EXCLUDED, *(gate for gate, _ in GATES)]
    assert shut(why) == ["permission_withdrawn"]
    verdicts = [step.verdict for step in why.steps]
    at = verdicts.index(Verdict.SHUT)
    assert set(verdicts[:at]) == {Verdict.PASSED} and set(verdicts[at + 1 :]) == {Verdict.NOT_ASKED}
    assert not why.now and why.entry is not None and why.entry.act.action is Action.WITHDRAW


def test_what_is_told_is_what_held_then(session: Session) -> None:
    campaign = make_campaign(session)
    stranger = make_contact(session)
    start(session, campaign)
    act(session, stranger, Action.WITHDRAW, topic_id=campaign.topic_id)
    why = explain(session, campaign.id, stranger)
    assert shut(why) == ["no_permission"] and why.entry is None


def test_before_a_launch_it_tells_what_would_be(session: Session) -> None:
    away = make_segment(session, TAGGED)
    campaign = make_campaign(session, exclude=(away,))
    someone, stranger, customer = permitted_contact(session, campaign.topic_id), make_contact(session), 0
    customer = permitted_contact(session, campaign.topic_id)
    session.execute(text("UPDATE contact SET tags = '{customer}' WHERE id = :id"), {"id": customer})
    found = {person: explain(session, campaign.id, person) for person in (someone, stranger, customer)}
    assert shut(found[someone]) == [] and found[someone].state is None and found[someone].now
    assert shut(found[stranger]) == ["no_permission"]
    assert shut(found[customer]) == [EXCLUDED]


def test_no_message_means_not_in_the_segment(session: Session) -> None:
    campaign = make_campaign(session, include=(make_segment(session, TAGGED),))
    person = permitted_contact(session, campaign.topic_id)
    start(session, campaign)
    why = explain(session, campaign.id, person)
    assert why.state is None and "no included segment" in why.answer
    assert why.to_json()["as_of"] == "now"


def test_progress_counts_what_there_is(session: Session) -> None:
    campaign = make_campaign(session)
    for _ in range(4):
        permitted_contact(session, campaign.topic_id)
    make_contact(session)
    start(session, campaign)
    session.execute(text("UPDATE message SET state = 'sent' WHERE contact_id = (SELECT min(contact_id) FROM message)"))
    shown = progress(session, campaign.id)
    assert (shown.segment, shown.recipients, shown.done, shown.left, shown.percent) == (5, 4, 1, 3, 25)
    assert shown.skipped == {"no_permission": 1} and shown.skipped_lines[0][1] == 1
    assert shown.live and shown.allows("pause") and shown.allows("cancel") and not shown.allows("resume")


def test_a_permission_link_knows_its_mail(session: Session) -> None:
    campaign = make_campaign(session)
    person = permitted_contact(session, campaign.topic_id)
    start(session, campaign)
    known = context(session, campaign.id, person)
    assert known is not None and (known.brand_id, known.topic_id, known.language) == (
        campaign.brand_id,
        campaign.topic_id,
        "en",
    )
    assert context(session, campaign.id, person + 1) is None
    mark_unsubscribed(session, person, [campaign.topic_id], campaign.id)
    first = session.scalar(text("SELECT unsubscribed_at FROM message"))
    mark_unsubscribed(session, person, [campaign.topic_id], campaign.id)
    assert first is not None and session.scalar(text("SELECT unsubscribed_at FROM message")) == first


def test_the_timeline_tells_of_mails(session: Session) -> None:
    campaign = make_campaign(session)
    person, stranger = permitted_contact(session, campaign.topic_id), make_contact(session)
    start(session, campaign)
    session.execute(
        text(
            "UPDATE message SET state = 'sent', sent_at = now(), clicked_at = now() + interval '1 minute'"
            " WHERE contact_id = :id"
        ),
        {"id": person},
    )

    def kinds(contact_id: int) -> list[str]:
        entries: list[TimelineEntry] = timeline.entries(session, contact_id, 10)
        return [entry.kind for entry in entries]

    assert kinds(person) == ["clicked", "sent"]
    assert kinds(stranger) == ["skipped"]
