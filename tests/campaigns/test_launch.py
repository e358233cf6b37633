"""Launching: what keeps a draft back, and exactly who ends up in the frozen audience."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.core.errors import NotFound
from app.mail.skeleton import Skeleton
from campaigns.errors import LaunchRefused, WrongState
from campaigns.models import CampaignContent
from campaigns.queries.audience import preview
from campaigns.queries.links import links_of
from campaigns.services.freeze import freeze
from campaigns.services.launch import check, launch
from campaigns.services.partitions import ensure_ahead
from consent.policy.ladder import Level
from consent.policy.standing import Action
from consent.services.suppress import suppress_address
from tests.factories.campaigns import TAGGED, Made, make_audience, make_campaign, make_segment
from tests.factories.consent import act, grant, make_contact, permitted_contact, track


@pytest.fixture(autouse=True)
def smtp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some relay is named; nothing is sent here."""
    monkeypatch.setattr("app.core.config._current", settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}))


def frozen(session: Session, campaign: Made) -> dict[tuple[str, str | None], int]:
    """Launch and freeze; count messages by state and reason."""
    launch(session, campaign.id)
    freeze(session, campaign.id)
    rows = session.execute(
        text("SELECT state, reason, count(*) AS n FROM message WHERE campaign_id = :id GROUP BY 1, 2"),
        {"id": campaign.id},
    )
    return {(row.state, row.reason): row.n for row in rows}


def places(session: Session, campaign: Made) -> list[str]:
    return [obstacle.where for obstacle in check(session, campaign.id)]


def test_a_sound_draft_meets_no_obstacle(session: Session) -> None:
    assert check(session, make_campaign(session).id) == []


@pytest.mark.parametrize(
    ("broken", "where", "said"),
    [
        ({"include": ()}, "segments", "segment"),
        ({"languages": ()}, "content", "content"),
        ({"subject": " "}, "content", "subject"),
        ({"subject": "{{ contact.shoe_size }}"}, "content", "shoe_size"),
        ({"mjml": "<mjml><mj-body><mj-nonsense/></mj-body></mjml>"}, "content", "mj-nonsense"),
        ({"mjml": "<mjml><mj-body /></mjml>"}, "content", "unsubscribe"),
        ({"mjml": "<mjml><mj-body /></mjml>"}, "content", "postal"),
    ],
)
def test_each_obstacle_is_named(session: Session, broken: dict[str, object], where: str, said: str) -> None:
    campaign = make_campaign(session, **broken)  # type: ignore[arg-type]
    found = check(session, campaign.id)
    assert where in [obstacle.where for obstacle in found]
    assert any(said in obstacle.text for obstacle in found)
    with pytest.raises(LaunchRefused):
        launch(session, campaign.id)


def test_a_key_that_does_not_match_its_record_is_noticed(session: Session) -> None:
    campaign = make_campaign(session)
    other = make_campaign(session, domain="other.example")
    session.execute(
        text("UPDATE dkim_key SET public_record = (SELECT public_record FROM dkim_key ORDER BY id DESC LIMIT 1)")
    )
    assert places(session, campaign) == ["content"]
    assert places(session, other) == []


def test_nobody_launches_twice(session: Session) -> None:
    campaign = make_campaign(session)
    launch(session, campaign.id)
    with pytest.raises(WrongState):
        launch(session, campaign.id)
    with pytest.raises(NotFound):
        launch(session, 999_999)


def test_the_audience_is_stored_whole_with_its_reasons(session: Session) -> None:
    everybody, customers = make_segment(session), make_segment(session, TAGGED)
    campaign = make_campaign(session, include=(everybody,), exclude=(customers,))
    topic = campaign.topic_id
    for _ in range(5):
        permitted_contact(session, topic)
    make_contact(session)  # never asked
    act(session, permitted_contact(session, topic), Action.WITHDRAW, topic_id=topic)
    act(session, make_contact(session), Action.REQUEST, topic_id=topic)
    grant(session, make_contact(session), topic, level=Level.OPT_IN)
    permitted_contact(session, topic, "gone@example.com")
    suppress_address(session, reason="manual", email_key="gone@example.com")
    excluded = permitted_contact(session, topic)
    session.execute(text("UPDATE contact SET tags = '{customer}' WHERE id = :id"), {"id": excluded})
    expected = {
        "no_permission": 1,
        "permission_withdrawn": 1,
        "permission_pending": 1,
        "permission_too_weak": 1,
        "suppressed": 1,
        "excluded_segment": 1,
    }
    before = preview(session, campaign.id)
    assert (before.recipients, before.segment, before.excluded) == (5, 11, expected)
    counts = frozen(session, campaign)
    assert counts == {("queued", None): 5} | {("skipped", gate): n for gate, n in expected.items()}


def test_overlapping_segments_count_people_once(session: Session) -> None:
    campaign = make_campaign(session, include=(make_segment(session), make_segment(session)))
    make_audience(session, campaign.topic_id, 20)
    assert frozen(session, campaign) == {("queued", None): 20}


def test_freezing_twice_changes_nothing(session: Session) -> None:
    campaign = make_campaign(session)
    make_audience(session, campaign.topic_id, 3)
    frozen(session, campaign)
    assert freeze(session, campaign.id) is None


def test_an_empty_audience_is_finished_at_once(session: Session) -> None:
    campaign = make_campaign(session)
    assert frozen(session, campaign) == {}
    assert session.scalar(text("SELECT status FROM campaign WHERE id = :id"), {"id": campaign.id}) == "finished"


def test_people_get_their_language_else_the_brands(session: Session) -> None:
    campaign = make_campaign(session, languages=("en", "fr"))
    people = {
        language: permitted_contact(session, campaign.topic_id, **({"language": language} if language else {}))
        for language in ("fr", "fr-CA", "en", "de", "")
    }
    frozen(session, campaign)
    chosen = {
        row.contact_id: row.language for row in session.execute(text("SELECT contact_id, language FROM message")).all()
    }
    assert {language: chosen[contact] for language, contact in people.items()} == {
        "fr": "fr",
        "fr-CA": "fr",
        "en": "en",
        "de": "en",
        "": "en",
    }


def test_links_are_numbered_through_all_languages(session: Session) -> None:
    campaign = make_campaign(session, languages=("en", "fr"))
    frozen(session, campaign)
    links = links_of(session, campaign.id)
    assert list(links) == [0, 1, 2, 3]
    assert links[0].url.startswith("https://shop.example.com/new") and links[2].url == links[0].url
    assert "name=Ada%26" in links[1].destination(["Ada&"])
    stored = session.get_one(CampaignContent, (campaign.id, "fr"))
    assert stored.skeleton is not None
    assert b"/2" in b"".join(Skeleton.from_bytes(stored.skeleton).statics)


def test_lanes_follow_the_mailbox_provider(session: Session) -> None:
    campaign = make_campaign(session)
    providers = {"gmail.com": "gmail", "googlemail.com": "gmail", "orange.fr": "orange", "example.org": "other"}
    for domain in providers:
        permitted_contact(session, campaign.topic_id, f"person@{domain}")
    frozen(session, campaign)
    rows = session.execute(
        text(
            "SELECT c.domain, l.provider FROM message JOIN contact c ON c.id = contact_id JOIN lane l ON l.id = lane_id"
        )
    )
    assert {row.domain: row.provider for row in rows} == providers


def test_tracking_is_fixed_on_the_row(session: Session) -> None:
    campaign = make_campaign(session)
    yes, no = (permitted_contact(session, campaign.topic_id) for _ in range(2))
    track(session, yes, campaign.brand_id)
    frozen(session, campaign)
    tracked = {row.contact_id: row.tracked for row in session.execute(text("SELECT contact_id, tracked FROM message"))}
    assert tracked == {yes: True, no: False}


def test_partitions_stand_before_campaigns_need_them(session: Session) -> None:
    campaign = make_campaign(session)
    ensure_ahead(session)
    for ahead in (0, 64, 128):
        first = (campaign.id + ahead) // 64 * 64
        assert session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": f"message_p{first}"})
    ensure_ahead(session)


def test_a_launch_that_fails_is_a_draft_again(db: object, run_jobs: Callable[[], int]) -> None:
    from app.core.db import unit_of_work

    with unit_of_work() as opened:
        campaign = make_campaign(opened)
        launch(opened, campaign.id)
        opened.execute(text("UPDATE campaign_content SET mjml = '<mjml><mj-nonsense/></mjml>'"))
    run_jobs()
    with unit_of_work() as opened:
        row = opened.execute(text("SELECT status, problem FROM campaign")).one()
    assert row.status == "draft" and "mj-nonsense" in row.problem
