"""What folding makes of events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock as core_clock
from app.customers.services import merging
from app.customers.services import profile as profiles
from app.customers.services.contacts import mark_objected
from tests.conftest import Clock
from tests.factories.consent import track
from tests.factories.tracking import APPLE_PREFETCH, CHROME, GMAIL_PROXY, SENT, Sent, drained, hit, make_sent
from tracking.policy.hits import Hit
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild, refold

NOW = timedelta()
FOLDS = {
    "message": "SELECT contact_id, opened_at, human_opened_at, clicked_at, opens, human_opens, clicks FROM message",
    "rollup": "SELECT cell, kind, label, link_n, untracked, events FROM rollup",
    "profile": "SELECT contact_id, opened_at, clicked_at, opens, clicks FROM contact_profile",
    "label": "SELECT at, kind, contact_id, label, label_reason FROM event",
}


def folds(session: Session) -> dict[str, list[tuple[object, ...]]]:
    return {name: sorted(map(tuple, session.execute(text(sql))), key=repr) for name, sql in FOLDS.items()}


def message(session: Session, sent: Sent, person: int = 0) -> tuple[object, ...]:
    row = session.execute(
        text(FOLDS["message"] + " WHERE campaign_id = :campaign AND contact_id = :contact"),
        {"campaign": sent.id, "contact": sent.people[person]},
    ).one()
    return tuple(row)[1:]


def test_a_click_reaches_message_rollup_and_profile(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, after=100), hit(sent, 0, after=160, link=1)])
    assert fold(session, settled=NOW) == 2
    opened, clicked = SENT + timedelta(seconds=100), SENT + timedelta(seconds=160)
    assert message(session, sent) == (opened, opened, clicked, 1, 1, 1)
    assert folds(session)["rollup"] == [
        (SENT, "click", "human", 1, False, 1),
        (SENT, "open", "human", -1, False, 1),
    ]
    assert folds(session)["profile"] == [(sent.people[0], clicked, clicked, 1, 1)]


def test_a_click_without_images_implies_an_open(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, link=0)])
    fold(session, settled=NOW)
    at = SENT + timedelta(seconds=60)
    assert message(session, sent) == (None, at, at, 0, 0, 1)


def test_the_same_link_again_within_ten_seconds_counts_once(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, link=0, after=after) for after in (60, 65, 74, 90)])
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 2  # 60 with its repeats at 65 and 74, and 90


def test_machines_are_kept_raw_and_left_out(session: Session) -> None:
    sent = make_sent(session)
    drained(
        session,
        [
            hit(sent, 0, agent=APPLE_PREFETCH),
            hit(sent, 1, agent=GMAIL_PROXY),
            hit(sent, 2, link=0, method="HEAD"),
            hit(sent, 2, link=0, after=1),
            *(hit(sent, 2, link=n, after=300 + n / 2) for n in range(3)),
        ],
    )
    fold(session, settled=NOW)
    assert message(session, sent, 0)[3:] == (1, 0, 0)
    assert message(session, sent, 1)[3:] == (1, 1, 0)
    assert message(session, sent, 2)[3:] == (0, 0, 0)
    reasons = session.execute(text("SELECT label, label_reason FROM event ORDER BY id")).all()
    assert [tuple(row) for row in reasons] == [
        ("prefetch", "apple_prefetch"),
        ("human", "image_proxy"),
        ("machine", "head"),
        ("machine", "too_fast"),
        *[("machine", "burst")] * 3,
    ]


def test_a_burst_that_becomes_visible_later_takes_a_click_back(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, link=0, after=60)])
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 1
    drained(session, [hit(sent, 0, link=1, after=60.5), hit(sent, 0, link=2, after=61)])
    fold(session, settled=NOW)
    assert message(session, sent) == (None, None, None, 0, 0, 0)
    assert folds(session)["profile"] == [(sent.people[0], None, None, 0, 0)]
    assert rebuild(session).total == 0


def test_the_delay_is_judged_when_the_outcome_is_written(session: Session) -> None:
    sent = make_sent(session)
    session.execute(text("UPDATE message SET sent_at = NULL, state = 'claimed'"))
    drained(session, [hit(sent, 0, link=0, after=1)])
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 1
    session.execute(text("UPDATE message SET sent_at = :at, state = 'sent'"), {"at": SENT})
    drained(session, [hit(sent, 0, after=200)])
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 0


def test_a_late_outcome_needs_no_other_event(session: Session, clock: Clock) -> None:
    sent = make_sent(session, 1)
    clock.to(SENT + timedelta(seconds=20))
    session.execute(text("UPDATE message SET sent_at = NULL, state = 'claimed'"))
    drained(session, [hit(sent, 0, link=0, after=1)])
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 1
    session.execute(text("UPDATE message SET sent_at = :at, state = 'sent'"), {"at": SENT})
    fold(session, settled=NOW)
    assert message(session, sent)[-1] == 0
    assert session.scalar(text("SELECT label_reason FROM event")) == "too_fast"
    assert fold(session, settled=NOW) == 0


def test_an_open_settles_a_message_whose_outcome_was_unknown(session: Session) -> None:
    sent = make_sent(session, 1)
    session.execute(text("UPDATE message SET sent_at = NULL, state = 'unknown'"))
    drained(session, [hit(sent, 0, after=300)])
    fold(session, settled=NOW)
    state, sent_at = session.execute(text("SELECT state, sent_at FROM message")).one()
    assert (state, sent_at) == ("sent", SENT + timedelta(seconds=300))


def test_untracked_people_reach_nothing_and_campaign_wide_clicks_have_no_person(session: Session) -> None:
    untracked = make_sent(session, tracked=False)
    stored = drained(session, [hit(untracked, 0), hit(untracked, 1, link=0), hit(untracked, None, link=0)])
    assert (stored.kept, stored.dropped) == (1, 2)
    fold(session, settled=NOW)
    event = session.execute(text("SELECT contact_id, agent_family, device, network_class, label FROM event")).one()
    assert tuple(event) == (None, "", "", "", "human")
    assert folds(session)["rollup"] == [(SENT, "click", "human", 0, True, 1)]
    assert folds(session)["profile"] == []


def test_withdrawing_silences_what_was_already_sent(session: Session) -> None:
    sent = make_sent(session)
    track(session, sent.people[0], sent.brand_id, granted=False)
    stored = drained(session, [hit(sent, 0), hit(sent, 0, link=0), hit(sent, 1)])
    assert (stored.kept, stored.dropped) == (1, 2)


def test_an_objection_silences_too(session: Session) -> None:
    sent = make_sent(session)
    session.execute(text("UPDATE contact SET objected_at = now() WHERE id = :id"), {"id": sent.people[0]})
    assert drained(session, [hit(sent, 0)]).kept == 0


@pytest.mark.parametrize("before", [True, False])
def test_an_objection_under_a_merged_number_ends_the_profile_of_both(session: Session, before: bool) -> None:
    profiles.refolds.add("tracking", refold)
    sent = make_sent(session)
    kept, other = sent.people[:2]
    drained(session, [hit(sent, 0, link=0), hit(sent, 1, link=0)])
    fold(session, settled=NOW)
    told = folds(session)["profile"]
    assert len(told) == 2
    if before:
        mark_objected(session, [other], core_clock.now())
        assert [row[0] for row in folds(session)["profile"]] == [kept]
    merging.merge(session, kept, other)
    if not before:
        mark_objected(session, [other], core_clock.now())
    assert folds(session)["profile"] == []
    assert rebuild(session).total == 0
    merging.undo(session, other)
    assert folds(session)["profile"] == [row for row in told if row[0] == kept]
    assert rebuild(session).total == 0


def test_messages_that_do_not_exist_reach_nothing(session: Session) -> None:
    sent = make_sent(session, 1)
    ghost = Sent(sent.id, sent.brand_id, (999_999_999,))
    nowhere = Sent(2_000_000_000, sent.brand_id, sent.people)
    assert drained(session, [hit(ghost, 0), hit(nowhere, 0), hit(nowhere, None, link=0)]).kept == 0


def test_batches_settle_before_they_are_folded(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0)])
    assert fold(session) == 0
    session.execute(text("UPDATE event_batch SET drained_at = now() - interval '3 seconds'"))
    assert fold(session) == 1


hits_of_two = st.builds(
    lambda person, after, link, agent, method: (person, after / 2, link, agent, method),
    st.integers(0, 1),
    st.integers(0, 60),
    st.sampled_from([None, None, 0, 1, 2]),
    st.sampled_from([CHROME, CHROME, CHROME, APPLE_PREFETCH, GMAIL_PROXY, "curl/8"]),
    st.sampled_from(["GET", "GET", "GET", "HEAD"]),
)


@given(data=st.data(), shapes=st.lists(hits_of_two, min_size=1, max_size=12, unique_by=lambda shape: shape[:3]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_partition_of_batches_gives_the_same_folds(
    session: Session, data: st.DataObject, shapes: list[tuple[int, float, int | None, str, str]]
) -> None:
    outer = session.begin_nested()
    sent = make_sent(session, 2)
    hits = [hit(sent, p, after=a, link=n, agent=ua, method=m) for p, a, n, ua, m in shapes]
    expected = _folded(session, [hits])
    shuffled = data.draw(st.permutations(hits))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(hits)), max_size=4)))
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(hits)], strict=True)]
    assert _folded(session, batches) == expected
    outer.rollback()


def _folded(session: Session, batches: list[list[Hit]]) -> dict[str, list[tuple[object, ...]]]:
    with session.begin_nested() as attempt:
        for batch in batches:
            if batch:
                drained(session, batch)
                fold(session, settled=NOW)
        result = folds(session)
        assert rebuild(session).total == 0
        assert folds(session) == result
        attempt.rollback()
    return result
