"""Re-permission: who is asked, in which order, what stops it, and that silence means no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock as now
from app.core import jobs, tokens
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.services.contacts import change_address
from app.mail.templates import starters
from campaigns.policy import CampaignKind, Sample, Waves, breach
from campaigns.queries.audience import preview
from campaigns.queries.waves import figures
from campaigns.services import campaigns, control, silence, spec, waves
from campaigns.services.campaigns import Basics
from campaigns.services.freeze import freeze
from campaigns.services.launch import check, launch
from campaigns.services.partitions import ensure
from campaigns.tasks.sending import tend_waves
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor
from consent.queries import permissions, verify
from consent.services.objections import complain, object_to_marketing
from consent.services.withdraw import withdraw
from tests.conftest import Clock
from tests.factories import consent as make
from tests.factories.campaigns import MJML, Made, make_campaign, make_segment
from tests.factories.sending import RecordingRelay, states, status
from tests.factories.sending import launch as launch_now

ASKING = starters("en", asking=True)[0].mjml
ACCEPTS = '{"eu": ["consent@opt_in", "consent@confirmed", "soft_opt_in@opt_out"]}'


def asking(session: Session, how: Waves | None = None, *, like: Made | None = None) -> Made:
    """Add a re-permission draft about a topic that takes opt-in, too."""
    made = make_campaign(session, mjml=ASKING, include=())
    topic = like.topic_id if like else made.topic_id
    brand = like.brand_id if like else made.brand_id
    sender = session.scalar(text("SELECT sender_id FROM campaign WHERE id = :id"), {"id": (like or made).id})
    session.execute(text("UPDATE topic SET accepts = CAST(:a AS jsonb) WHERE id = :id"), {"a": ACCEPTS, "id": topic})
    campaigns.update(session, made.id, Basics("Still there?", brand, topic, sender, kind=CampaignKind.REPERMISSION))
    campaigns.set_waves(session, made.id, how or Waves())
    return Made(made.id, brand, topic)


def weak(session: Session, topic: int, address: str = "", **given: object) -> int:
    person = make.make_contact(session, address)
    make.grant(session, person, topic, level=Level.OPT_IN, **given)  # type: ignore[arg-type]
    return person


def of(session: Session, campaign: Made) -> dict[int, tuple[str, str | None]]:
    rows = session.execute(
        text("SELECT contact_id, state, reason, due_at FROM message WHERE campaign_id = :id"), {"id": campaign.id}
    )
    return {r.contact_id: ("due" if r.due_at else r.state, r.reason) for r in rows}


def freezed(session: Session, campaign: Made) -> dict[int, tuple[str, str | None]]:
    session.execute(text("DROP TABLE IF EXISTS frozen_people, frozen_lane"))  # left by a launch before
    launch(session, campaign.id)
    freeze(session, campaign.id)
    return of(session, campaign)


def sent(session: Session, campaign: Made, *people: int) -> None:
    """Let these mails have arrived a moment ago, as a pump would note it."""
    session.execute(
        text("UPDATE message SET state = 'sent', sent_at = :at, due_at = NULL WHERE campaign_id = :id"
             " AND contact_id = ANY(:people)"),
        {"at": now.now(), "id": campaign.id, "people": list(people)},
    )  # fmt: skip


@pytest.fixture
def smtp(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some relay is named; nothing is sent."""
    changed = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})  # type: ignore[attr-defined]
    monkeypatch.setattr("app.core.config._current", changed)


def test_who_needs_it_and_may_be_written_to_is_asked(session: Session, smtp: None) -> None:
    campaign = asking(session, Waves(ends_within_days=60, weaker=True, imported=True))
    topic = campaign.topic_id
    ends = make.make_contact(session)
    make.grant(session, ends, topic, expires_at=now.now() + timedelta(days=30))
    later = make.make_contact(session)
    make.grant(session, later, topic, expires_at=now.now() + timedelta(days=90))
    brought = make.make_contact(session)
    make.grant(session, brought, topic, actor=Actor.IMPORT)
    weakling, sound = weak(session, topic), make.permitted_contact(session, topic)
    left, objector, complainer = (weak(session, topic) for _ in range(3))
    withdraw(session, left, [topic], actor=Actor.SUBSCRIBER)
    object_to_marketing(session, objector, actor=Actor.SUBSCRIBER)
    complain(session, complainer)
    pending = make.make_contact(session)
    make.act(session, pending, Action.REQUEST, topic_id=topic)
    seen = freezed(session, campaign)
    assert {person for person, (state, _) in seen.items() if state == "due"} == {ends, brought, weakling}
    assert seen[objector] == ("skipped", "suppressed") and seen[complainer] == ("skipped", "suppressed")
    assert not {later, sound, left, pending} & seen.keys()


def test_strict_gates_hold_for_those_who_are_asked(session: Session, smtp: None) -> None:
    """Asking somebody whose permission does not suffice would itself be a mail without permission."""
    campaign = asking(session)
    session.execute(text("UPDATE topic SET accepts = '{}' WHERE id = :id"), {"id": campaign.topic_id})
    person = weak(session, campaign.topic_id)
    assert preview(session, campaign.id).recipients == 0
    assert freezed(session, campaign)[person] == ("skipped", "permission_too_weak")


def test_the_quiet_are_those_who_had_tracked_mail(session: Session, smtp: None) -> None:
    campaign = asking(session, Waves(ends_within_days=None, weaker=False, quiet_months=6))
    old = now.now() - timedelta(days=400)
    quiet, lively, untracked = (make.make_contact(session) for _ in range(3))
    ensure(session, campaign.id + 1)
    for person in (quiet, lively, untracked):
        make.grant(session, person, campaign.topic_id, at=old)
        if person != untracked:
            session.execute(
                text("INSERT INTO message (campaign_id, contact_id, state, tracked) VALUES (:c, :p, 'sent', true)"),
                {"c": campaign.id + 1, "p": person},
            )
    session.execute(
        text("INSERT INTO contact_profile (contact_id, opened_at) VALUES (:id, :at)"), {"id": lively, "at": now.now()}
    )
    assert freezed(session, campaign).keys() == {quiet}


def test_a_segment_narrows_and_excludes(session: Session, smtp: None) -> None:
    campaign = asking(session)
    inside, away, outside = (weak(session, campaign.topic_id) for _ in range(3))
    for person, tag in ((inside, "customer"), (away, "customer"), (away, "vip")):
        session.execute(text("UPDATE contact SET tags = tags || :t WHERE id = :id"), {"t": [tag], "id": person})
    include, exclude = (make_segment(session, {"all": [{"tag": tag}]}) for tag in ("customer", "vip"))
    campaigns.set_audience(session, campaign.id, [include], [exclude])
    seen = freezed(session, campaign)
    assert seen == {inside: ("due", None), away: ("skipped", "excluded_segment")} and outside not in seen


def test_waves_ask_the_most_engaged_first_one_wave_a_day(session: Session, smtp: None, clock: Clock) -> None:
    campaign = asking(session, Waves(per_day=2))
    people = [weak(session, campaign.topic_id) for _ in range(5)]
    for person, what, days in ((people[3], "clicked_at", 5), (people[1], "clicked_at", 9), (people[4], "opened_at", 1)):
        session.execute(
            text(f"INSERT INTO contact_profile (contact_id, {what}) VALUES (:id, :at)"),
            {"id": person, "at": now.now() - timedelta(days=days)},
        )

    def due() -> set[int]:
        return {person for person, (state, _) in of(session, campaign).items() if state == "due"}

    freezed(session, campaign)
    assert due() == {people[3], people[1]}
    waves.tend(session, campaign.id)
    assert len(due()) == 2, "a day has one wave"
    clock.forward(timedelta(days=5))  # nobody worked for five days: no double wave
    waves.tend(session, campaign.id)
    waves.tend(session, campaign.id)
    assert due() == {people[3], people[1], people[4], people[0]}
    make.grant(session, people[2], campaign.topic_id)  # confirmed by another way
    clock.forward(timedelta(days=1))
    waves.tend(session, campaign.id)
    assert of(session, campaign)[people[2]] == ("skipped", "no_need")


def test_a_paused_campaign_releases_nothing(session: Session, smtp: None, clock: Clock) -> None:
    campaign = asking(session, Waves(per_day=1))
    for _ in range(3):
        weak(session, campaign.topic_id)
    freezed(session, campaign)
    control.pause(session, campaign.id)
    clock.forward(timedelta(days=3))
    waves.tend(session, campaign.id)
    assert [state for state, _ in of(session, campaign).values()].count("due") == 1
    control.resume(session, campaign.id)
    waves.tend(session, campaign.id)
    assert [state for state, _ in of(session, campaign).values()].count("due") == 2


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (Sample(499, 499, 0, 400), None),
        (Sample(1000, 1000, 0, 0), None),
        (Sample(1001, 1001, 0, 1), None),
        (Sample(1000, 1000, 0, 1), "complaints"),
        (Sample(1000, 951, 49, 0), None),
        (Sample(1000, 950, 50, 0), "bounces"),
    ],
)
def test_limits_are_reached_by_enough_of_enough(sample: Sample, said: str | None) -> None:
    assert breach(Waves(), sample) == said
    assert breach(replace(Waves(), min_sample=10_000), sample) is None


@pytest.mark.parametrize(
    ("what", "reason"),
    [("complained_at = now()", "complaints"), ("state = 'failed', bounce_class = 'hard'", "bounces")],
)
def test_it_stops_itself_says_why_and_goes_on_only_by_hand(
    session: Session, smtp: None, clock: Clock, what: str, reason: str
) -> None:
    campaign = asking(session, Waves(per_day=10, min_sample=10))
    people = [weak(session, campaign.topic_id) for _ in range(15)]
    first = [person for person, (state, _) in freezed(session, campaign).items() if state == "due"]
    sent(session, campaign, *first)
    session.execute(
        text(f"UPDATE message SET {what} WHERE campaign_id = :id AND contact_id = :p"),
        {"id": campaign.id, "p": first[0]},
    )
    clock.forward(timedelta(days=2))
    waves.tend(session, campaign.id)
    found = figures(session, campaign.id)
    assert found.stopped_for == reason and found.waiting == len(people) - 10
    stored = session.execute(text("SELECT status, problem FROM campaign WHERE id = :id"), {"id": campaign.id}).one()
    assert stored.status == "paused" and "10" in stored.problem
    control.resume(session, campaign.id)
    waves.tend(session, campaign.id)
    assert figures(session, campaign.id).stopped_for is None
    assert [state for state, _ in of(session, campaign).values()].count("due") == 5


def silent(session: Session) -> list[int]:
    due = sorted(session.scalars(silence.due(now.now())))
    silence.expire(session, due)
    return due


def test_silence_means_no(session: Session, smtp: None, clock: Clock) -> None:
    campaign = asking(session)
    topic = campaign.topic_id
    quiet, confirmed, left, bounced, waiting = (weak(session, topic) for _ in range(5))
    freezed(session, campaign)
    clock.forward(timedelta(hours=1))
    sent(session, campaign, quiet, confirmed, left, bounced)
    session.execute(text("UPDATE message SET bounce_class = 'hard' WHERE contact_id = :id"), {"id": bounced})
    clock.forward(timedelta(days=29))
    make.grant(session, confirmed, topic)
    withdraw(session, left, [topic], actor=Actor.SUBSCRIBER, campaign_id=campaign.id)
    session.execute(text("UPDATE message SET unsubscribed_at = now() WHERE contact_id = :id"), {"id": left})
    assert silent(session) == []
    clock.forward(timedelta(days=2))
    assert silent(session) == [quiet] and silent(session) == []
    states = {person: permissions.of_contact(session, person)[topic].state for person in (quiet, bounced, waiting)}
    assert states == {quiet: State.EXPIRED, bounced: State.GRANTED, waiting: State.GRANTED}
    assert verify.verify(session).broken is None
    last = permissions.entries(session, quiet)[-1]
    assert (last.act.action, last.campaign_id) == (Action.SILENCE, campaign.id)
    found = figures(session, campaign.id)
    assert (found.asked, found.left, found.silent, found.open) == (3, 1, 1, 1)


def test_a_cancelled_question_ends_nothing(session: Session, smtp: None, clock: Clock) -> None:
    campaign = asking(session)
    person = weak(session, campaign.topic_id)
    freezed(session, campaign)
    clock.forward(timedelta(hours=1))
    sent(session, campaign, person)
    control.cancel(session, campaign.id)
    clock.forward(timedelta(days=60))
    assert silent(session) == []


def test_everybody_is_asked_once(session: Session, smtp: None, clock: Clock) -> None:
    first = asking(session)
    person, waits = weak(session, first.topic_id), weak(session, first.topic_id)
    freezed(session, first)
    clock.forward(timedelta(hours=1))
    sent(session, first, person)
    second = asking(session, like=first)
    assert set(freezed(session, second).values()) == {("skipped", "asked_before")}
    make.grant(session, person, first.topic_id, basis=Basis.CONSENT, level=Level.OPT_IN)
    third = asking(session, like=first)
    seen = freezed(session, third)
    assert seen == {person: ("due", None), waits: ("skipped", "asked_before")}


def test_the_mail_needs_its_button_and_a_mailing_may_not_have_it(session: Session, smtp: None) -> None:
    campaign = asking(session)
    assert check(session, campaign.id) == []
    session.execute(
        text("UPDATE campaign_content SET mjml = :m WHERE campaign_id = :id"), {"m": MJML, "id": campaign.id}
    )
    session.expire_all()
    assert any("stay_url" in obstacle.text for obstacle in check(session, campaign.id))
    mailing = make_campaign(session, mjml=ASKING)
    assert any("stay_url" in obstacle.text for obstacle in check(session, mailing.id))


def test_bad_settings_are_named(session: Session) -> None:
    campaign = asking(session)
    for bad, field in (
        ({"per_day": 0}, "per_day"),
        ({"max_complaints": 0.1}, "max_complaints"),
        ({"answer_days": 1}, "answer_days"),
        ({"ends_within_days": None, "weaker": False}, "weaker"),
    ):
        with pytest.raises(InvalidInput) as caught:
            campaigns.set_waves(session, campaign.id, replace(Waves(), **bad))  # type: ignore[arg-type]
        assert caught.value.field == field
    mailing = make_campaign(session)
    with pytest.raises(InvalidInput):
        campaigns.set_waves(session, mailing.id, Waves())
    copy = campaigns.duplicate(session, campaign.id)
    assert figures(session, copy).waves == Waves()


def test_a_campaign_file_describes_waves() -> None:
    base = {"name": "Still there?", "brand": "b", "topic": "t", "kind": "repermission"}
    described = spec.read({**base, "waves": {"per_day": 50, "quiet_months": None}})
    assert described.waves == replace(Waves(), per_day=50)
    for bad in ({"kind": "other"}, {"waves": {"speed": 1}}, {"waves": {"per_day": "many"}}, {"waves": {"weaker": 1}}):
        with pytest.raises(InvalidInput):
            spec.read({**base, **bad})


# The mail and its button


@pytest.fixture
def asked(client: FlaskClient, relay: RecordingRelay, run_jobs: Callable[[], int]) -> tuple[Made, int, str]:
    """Somebody who got the mail, and the path behind its button."""
    with unit_of_work() as session:
        campaign = asking(session, Waves(per_day=1))
        person = weak(session, campaign.topic_id, "ada@example.net")
        weak(session, campaign.topic_id, "bob@example.net")
    launch_now(campaign)
    run_jobs()
    assert states(campaign) == {"sent": 1, "deferred": 1} and status(campaign) == "sending"
    found = re.search(r"http://[^/\s]+(/stay/[\w-]+)", relay.message("ada@example.net").decode())
    assert found is not None
    return campaign, person, found[1]


def test_only_the_button_confirms(asked: tuple[Made, int, str], client: FlaskClient) -> None:
    campaign, person, path = asked

    def standing() -> permissions.Standing:
        with unit_of_work() as session:
            return permissions.of_contact(session, person)[campaign.topic_id]

    assert "May we go on writing?" in client.get(path).text and client.head(path).status_code == 200
    assert standing().level is Level.OPT_IN
    assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    answer = client.post(path)
    assert "Thank you, we go on" in answer.text and "Set-Cookie" not in answer.headers
    assert standing().level is Level.CONFIRMED
    client.post(path)
    with unit_of_work() as session:
        entries = permissions.entries(session, person)
        assert [entry.act.action for entry in entries] == [Action.GRANT, Action.CONFIRM]
        assert entries[-1].campaign_id == campaign.id and "May we go on?" in entries[-1].evidence["wording"]
        assert figures(session, campaign.id).confirmed == 1


def test_an_old_mail_undoes_no_withdrawal_and_no_move(asked: tuple[Made, int, str], client: FlaskClient) -> None:
    campaign, person, path = asked
    with unit_of_work() as session:
        withdraw(session, person, [campaign.topic_id], actor=Actor.SUBSCRIBER)
    assert "You have unsubscribed" in client.post(path).text
    with unit_of_work() as session:
        assert permissions.of_contact(session, person)[campaign.topic_id].state is State.WITHDRAWN
        make.grant(session, person, campaign.topic_id, level=Level.OPT_IN)
        change_address(session, person, "lovelace@example.net")
    assert "Your address has changed since" in client.post(path).text


def test_its_token_is_for_nothing_else(asked: tuple[Made, int, str], client: FlaskClient) -> None:
    campaign, person, path = asked
    token = path.rsplit("/", 1)[1]
    for other in ("unsubscribe", "preferences", "view"):
        assert client.get(f"/{other}/{token}").status_code == 404
    for purpose in (tokens.Purpose.PERMISSION, tokens.Purpose.VIEW, tokens.Purpose.ENGAGEMENT):
        forged = tokens.sign_message(purpose, campaign.id, person)
        assert client.post(f"/stay/{forged}").status_code == 404
    assert client.get(f"/stay/{tokens.sign_message(tokens.Purpose.STAY, campaign.id, 0)}").status_code == 404
    flipped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    assert client.post(f"/stay/{flipped}").status_code == 404


def test_a_wave_that_was_released_twice_is_one_wave(
    asked: tuple[Made, int, str], relay: RecordingRelay, run_jobs: Callable[[], int], clock: Clock
) -> None:
    """A worker that dies after its commit, or before it, and is followed by another."""
    campaign, _, _ = asked
    clock.forward(timedelta(days=1, minutes=1))
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        waves.tend(session, campaign.id)
        raise ZeroDivisionError
    tend_waves.function()
    tend_waves.function()
    with unit_of_work() as session:
        due = [row.id for row in session.execute(text("SELECT id FROM job ORDER BY id"))]
    for job_id in due:
        jobs.run(job_id)
    assert states(campaign) == {"sent": 2} and status(campaign) == "finished"
    assert sorted(relay.recipients) == ["ada@example.net", "bob@example.net"]
