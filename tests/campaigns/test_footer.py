"""What stands at the end of every mail: why it comes, the ways out, who sends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from app.customers.services.importing import PermissionTerms
from app.mail.content import compile_design
from campaigns.services import footer
from campaigns.services.campaigns import ContentText
from campaigns.services.preview import preview
from campaigns.services.web_version import web_version
from consent.policy.standing import Actor
from consent.services.erase import erase
from consent.services.importing import record
from tests.factories.campaigns import MJML, again, make_campaign
from tests.factories.consent import grant, make_contact, permitted_contact
from tests.factories.sending import RecordingRelay, launch, states

BARE = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>"
SHOP = "Former shop; archive <b>7</b>"


def parts(relay: RecordingRelay, address: str) -> list[str]:
    message = message_from_bytes(relay.message(address), policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    found = [message.get_body((kind,)) for kind in ("plain", "html")]
    return [" ".join(part.get_content().split()) for part in found if part is not None]


def imported(topic_id: int, address: str, source: str = SHOP) -> int:
    """Bring somebody in as an import does."""
    with unit_of_work() as session:
        contact_id = make_contact(session, address)
        session.execute(text("CREATE TEMP TABLE brought (contact_id bigint) ON COMMIT DROP"))
        session.execute(text("INSERT INTO brought VALUES (:id)"), {"id": contact_id})
        terms = PermissionTerms(1, topic_id, "confirmed", "consent", source, "folder 7", clock.now(), "en")
        assert record(session, terms, "brought").permitted == 1
    return contact_id


def test_row_8_a_design_without_a_footer_gets_one_in_both_parts(
    app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session, mjml=BARE)
        permitted_contact(session, campaign.topic_id, "ada@example.net")
    launch(campaign)
    run_jobs()
    for part in parts(relay, "ada@example.net"):
        assert "/unsubscribe/" in part and "/preferences/" in part and "1 rue de l" in part
        assert "you confirmed “Topic" in part


@pytest.mark.parametrize("lacking", ["why", "preferences_url", "unsubscribe_url", "postal_address"])
def test_only_what_is_lacking_is_added(lacking: str) -> None:
    whole = compile_design(MJML)
    assert footer.missing(whole) == []
    without = MJML.replace(f"{{{{ {lacking} }}}}", "https://example.com/x")
    assert footer.missing(compile_design(without)) == [lacking]
    made = compile_design(footer.completed(without, [lacking], "fr"))
    assert footer.missing(made) == [] and made.html.count("{{ why }}") == whole.html.count("{{ why }}")


def test_a_preview_says_why_its_reader_gets_it(app: Flask) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ada = make_contact(session, "ada@example.net")
        content = ContentText("News", "", MJML)
        assert "because you agreed to “Topic" in preview(session, campaign.id, "en", content, ada).text
        grant(session, ada, campaign.topic_id)
        assert "you confirmed “Topic" in preview(session, campaign.id, "en", content, ada).text


def test_row_72_the_first_mail_to_an_imported_contact_names_its_source_and_no_other_does(
    app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        permitted_contact(session, campaign.topic_id, "own@example.net")
    ada = imported(campaign.topic_id, "ada@example.net")
    launch(campaign)
    run_jobs()
    plain, html = parts(relay, "ada@example.net")
    assert f"This is our first e-mail to you. We have your address from: {SHOP}." in plain
    assert "archive &lt;b&gt;7&lt;/b&gt;" in html and "<b>7</b>" not in html  # what was imported stays inert
    assert "your rights: dpo@example.com" in plain
    assert "first e-mail" not in parts(relay, "own@example.net")[0]
    with unit_of_work() as session:
        assert "first e-mail" in web_version(session, campaign.id, ada)
    second = again(campaign)
    launch(second)
    run_jobs()
    plain, _ = parts(relay, "ada@example.net")
    assert "first e-mail" not in plain and "on record since" in plain and SHOP in plain
    with unit_of_work() as session:
        erase(session, ada, actor=Actor.STAFF)
        assert session.scalar(text("SELECT count(*) FROM source_notice")) == 0
        assert "Former shop" not in web_version(session, second.id, ada)


def test_row_72_a_first_mail_that_failed_does_not_count(
    app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
    imported(campaign.topic_id, "ada@example.net")
    with unit_of_work() as session:
        person = by_address(session, "ada@example.net")
        assert person is not None
        session.execute(text("UPDATE contact SET email = 'no address at all' WHERE id = :id"), {"id": person.id})
    launch(campaign)
    run_jobs()
    assert states(campaign) == {"failed": 1}
    with unit_of_work() as session:
        session.execute(text("UPDATE contact SET email = 'ada@example.net' WHERE id = :id"), {"id": person.id})
        session.execute(text("UPDATE suppression SET lifted_at = now()"))
    later = again(campaign)
    launch(later)
    run_jobs()
    assert re.search("This is our first e-mail to you", parts(relay, "ada@example.net")[0])
