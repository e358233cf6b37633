"""Drafts: from names and by hand, saved without losing a colleague's work, previewed and tested as they are sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.services import staff
from app.brands.queries import brands, sending
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput, NotFound
from app.mail.dkim import verify
from campaigns.commands.campaigns import campaigns as campaigns_group
from campaigns.commands.segments import segments as segments_group
from campaigns.errors import EditConflict
from campaigns.queries import audience, campaigns, segments
from campaigns.services import campaigns as service
from campaigns.services import launch, preview, spec
from campaigns.services.campaigns import Basics, ContentText
from consent.queries import topics
from tests.factories.campaigns import MJML, Made, make_audience, make_campaign, make_segment
from tests.factories.customers import make_contact, make_field
from tests.factories.sending import RecordingRelay


def described(session: Session, made: Made) -> dict:
    """A campaign as a file would describe it."""
    return {
        "name": "Spring",
        "brand": brands.brand(session, made.brand_id).slug,
        "topic": topics.topic(session, made.topic_id).slug,
        "sender": "news@example.com",
        "objective": "300 orders",
        "include": [{"name": "Everybody", "definition": {"all": []}}],
        "exclude": [],
        "content": {"en": {"subject": "Hello", "starter": "letter"}, "fr": {"subject": "Bonjour", "mjml": MJML}},
    }


def test_a_file_makes_a_draft_that_could_be_launched(session: Session) -> None:
    made = make_campaign(session)
    campaign_id = spec.create(session, spec.read(described(session, made)))
    stored = campaigns.campaign(session, campaign_id)
    assert (stored.name, stored.is_draft, stored.topic_id) == ("Spring", True, made.topic_id)
    assert [content.language for content in campaigns.contents(session, campaign_id)] == ["en", "fr"]
    assert [segment.name for segment in campaigns.audience(session, campaign_id).include] == ["Everybody"]
    again = spec.create(session, spec.read(described(session, made)))
    assert campaigns.audience(session, again) == campaigns.audience(session, campaign_id)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"name": " "}, InvalidInput, "“name”"),
        ({"colour": "red"}, InvalidInput, "“colour”"),
        ({"topic": "nothing"}, NotFound, "nothing"),
        ({"sender": "boss@example.com"}, NotFound, "boss@example.com"),
        ({"include": ["Nobody knows"]}, NotFound, "Nobody knows"),
        ({"include": [{"name": "Rich", "definition": {"all": [{"field": "gold", "op": "gt"}]}}]}, InvalidInput, "gold"),
        ({"include": [{"name": "Everybody", "definition": {"any": []}}]}, Conflict, "says something else"),
        ({"content": {"en": {"subject": "Hi"}}}, InvalidInput, "content.en"),
        ({"content": {"en": {"subject": "Hi", "starter": "poem"}}}, InvalidInput, "poem"),
        ({"content": {"tlh": {"subject": "Hi", "mjml": MJML}}}, InvalidInput, "tlh"),
        ({"content": {"en": {"subject": "Hi\nBcc: x@example.com", "mjml": MJML}}}, InvalidInput, "line break"),
    ],
)
def test_a_wrong_file_says_which_part(session: Session, change: dict, error: type[Exception], says: str) -> None:
    made = make_campaign(session)
    spec.create(session, spec.read(described(session, made)))
    with pytest.raises(error, match=says):
        spec.create(session, spec.read(described(session, made) | change))


def test_topic_and_sender_belong_to_the_brand(session: Session) -> None:
    one, other = make_campaign(session), make_campaign(session)
    sender = sending.senders(session, one.brand_id)[0].id
    with pytest.raises(InvalidInput) as caught:
        service.draft(session, Basics("Spring", one.brand_id, other.topic_id, sender))
    assert caught.value.field == "topic_id"


def test_nobody_overwrites_what_they_have_not_seen(session: Session) -> None:
    made = make_campaign(session)
    before = campaigns.content(session, made.id, "en")
    assert before is not None
    theirs = service.set_content(session, made.id, "en", ContentText("Theirs", "", MJML), seen=before.updated_at)
    with pytest.raises(EditConflict):
        service.set_content(session, made.id, "en", ContentText("Mine", "", MJML), seen=before.updated_at)
    after = campaigns.content(session, made.id, "en")
    assert after is not None and (after.subject, after.updated_at) == ("Theirs", theirs)
    with pytest.raises(EditConflict):
        service.set_audience(session, made.id, [], seen=datetime(2020, 1, 1, tzinfo=UTC))


def test_what_was_launched_is_not_edited_but_duplicated(session: Session) -> None:
    made = make_campaign(session)
    session.execute(text("UPDATE campaign SET status = 'finished' WHERE id = :id"), {"id": made.id})
    for edit in (
        lambda: service.set_content(session, made.id, "en", ContentText("Late", "", MJML)),
        lambda: service.set_audience(session, made.id, []),
        lambda: service.discard(session, made.id),
    ):
        with pytest.raises(Conflict):
            edit()
    copy = service.duplicate(session, made.id)
    assert campaigns.campaign(session, copy).is_draft
    assert campaigns.audience(session, copy) == campaigns.audience(session, made.id)
    assert [c.mjml for c in campaigns.contents(session, copy)] == [MJML]
    assert [obstacle.where for obstacle in launch.check(session, copy)] == ["sender"]  # there is no relay here


def test_segments_are_included_and_excluded(session: Session) -> None:
    made = make_campaign(session)
    people = make_audience(session, made.topic_id, 5)
    vip = make_segment(session, {"all": [{"tag": "vip"}]})
    session.execute(text("UPDATE contact SET tags = '{vip}' WHERE id = :id"), {"id": people[0]})
    everybody = make_segment(session)
    service.set_audience(session, made.id, [everybody], [vip])
    found = audience.preview(session, made.id)
    assert (found.segment, found.recipients, found.excluded) == (5, 4, {audience.EXCLUDED: 1})
    with pytest.raises(InvalidInput):
        service.set_audience(session, made.id, [vip], [vip])


def test_a_preview_is_filled_for_a_contact(session: Session) -> None:
    made = make_campaign(session)
    make_field(session, "size", "text")
    reader = make_contact(session, first_name="<b>Grace</b>", size="42")
    content = ContentText("For {{ contact.first_name }}", "", MJML.replace("The story", "Size {{ contact.size }}"))
    seen = preview.preview(session, made.id, "en", content, reader)
    assert seen.subject == "For <b>Grace</b>"
    assert "&lt;b&gt;Grace" in seen.html and "Size 42" in seen.html and "Size 42" in seen.text
    assert preview.preview(session, made.id, "fr", content).subject == "For Marie"


def test_problems_have_a_place(session: Session) -> None:
    made = make_campaign(session)
    broken = MJML.replace("<mj-button", "<mj-buton")
    problems = preview.problems(session, made.id, "en", ContentText("", "", broken))
    assert problems[0].error and problems[0].line == 4
    assert [problem.message for problem in problems[1:]] == ["The subject is empty."]


def test_a_test_mail_is_real_signed_untracked_and_nobodys(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        made = make_campaign(session)
        preview.request_test(session, made.id, "en", ["boss@example.org"])
        identity = sending.identity(session, sending.senders(session, made.brand_id)[0].id)
    assert run_jobs() == 1
    assert relay.recipients == ["boss@example.org"]
    raw = relay.message("boss@example.org")
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Subject"] == "[Test] News for Ada"
    body = message.get_body(("html",)).get_content()
    assert "https://shop.example.com/new" in body and "/o/" not in body and "/c/" not in body
    assert verify(raw, identity.dkim_record)


@pytest.fixture
def marketer(client: FlaskClient) -> FlaskClient:
    """A browser that a marketer signed in with."""
    with unit_of_work() as session:
        staff.create(session, "ada@example.com", "Ada", "correct horse battery", "marketer", "en")
    client.post("/sign-in", data={"email": "ada@example.com", "password": "correct horse battery"})
    return client


def test_the_four_steps_in_a_browser(marketer: FlaskClient, relay: RecordingRelay) -> None:
    with unit_of_work() as session:
        made = make_campaign(session)
        sender = sending.senders(session, made.brand_id)[0].id
        everybody = make_segment(session)
        make_audience(session, made.topic_id, 3)
    basics = {"name": "Spring", "brand_id": made.brand_id, "topic_id": made.topic_id, "sender_id": sender}
    answer = marketer.post("/campaigns/new", data=basics)
    campaign = answer.headers["Location"].removesuffix("/audience")
    answer = marketer.post(f"{campaign}/audience", data={f"segment-{everybody}": "include"}, follow_redirects=True)
    assert b"How do you want to begin?" in answer.data
    answer = marketer.post(f"{campaign}/content/en/begin", data={"starter": "letter"}, follow_redirects=True)
    assert b"data-mjml-editor" in answer.data
    saved = marketer.post(
        f"{campaign}/content/en/save", data={"subject": "Hi", "mjml": MJML}, headers={"HX-Request": "true"}
    )
    assert json.loads(saved.headers["HX-Trigger-After-Settle"]) == {"content-saved": {"ok": True}}
    shown = marketer.get(f"{campaign}/content/en/preview")
    assert "sandbox" in shown.headers["Content-Security-Policy"] and b"Hello Ada" in shown.data
    assert b"signs (DKIM)" in marketer.get(campaign).data
    recipients = marketer.get(f"{campaign}/recipients").data
    assert b"Send to 3 people now?" in recipients


def test_a_colleagues_version_is_kept_until_one_decides(marketer: FlaskClient) -> None:
    with unit_of_work() as session:
        made = make_campaign(session)
    url = f"/campaigns/{made.id}/content/en/save"
    stale = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    answer = marketer.post(url, data={"subject": "Mine", "mjml": MJML, "seen": stale}, headers={"HX-Request": "true"})
    assert answer.status_code == 409 and b"Keep mine" in answer.data
    assert marketer.post(url, data={"subject": "Mine", "mjml": MJML, "seen": ""}).status_code == 302


def test_a_segment_is_built_from_form_fields(marketer: FlaskClient) -> None:
    with unit_of_work() as session:
        make_field(session, "history", "number")
        make_contact(session, history="300")
    rows = {
        "r/mode": "all",
        "r.0/what": "field:history",
        "r.0/was": "field:history",
        "r.0/op": "gt",
        "r.0/value": "200",
    }
    grown = marketer.post("/segments/builder", data={**rows, "action": "group:r"}).data
    assert b"r.1.0/what" in grown and b'value="200"' in grown
    assert b">1</div>" in marketer.post("/segments/count", data=rows).data
    assert b"still empty" in marketer.post("/segments/count", data={**rows, "r.0/value": " "}).data
    assert b"a number is expected" in marketer.post("/segments/count", data={**rows, "r.0/value": "many"}).data
    assert marketer.post("/segments/new", data={**rows, "name": "Rich"}).status_code == 302
    with unit_of_work() as session:
        stored = segments.by_names(session, ["Rich"])["Rich"]
    assert stored.definition == {"all": [{"field": "history", "op": "gt", "value": 200}]}
    assert stored.last_count == 1


def test_commands_answer_in_json(db: object, tmp_path) -> None:
    with unit_of_work() as session:
        made = make_campaign(session)
        make_audience(session, made.topic_id, 3)
        campaign = described(session, made)
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps(campaign))
    created = CliRunner().invoke(campaigns_group, ["create", str(file)], catch_exceptions=False)
    assert set(json.loads(created.stdout)) == {"id"}
    file.write_text('{"all": []}')
    counted = CliRunner().invoke(segments_group, ["count", str(file)], catch_exceptions=False)
    assert json.loads(counted.stdout)["count"] == 3
    file.write_text('{"all": [}')
    broken = CliRunner().invoke(segments_group, ["count", str(file)])
    assert isinstance(broken.exception, InvalidInput) and "line 1, column 10" in str(broken.exception)
