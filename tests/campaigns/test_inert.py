"""What was imported is inert wherever it is shown: in the pages of staff, on the reader's own pages, in mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import tokens
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from app.customers.engine import importing
from app.customers.services import fields
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from tests.factories.accounts import make_staff, sign_in
from tests.factories.campaigns import MJML, Made, make_campaign
from tests.factories.sending import RecordingRelay, launch

EVIL = "<script>steal(1)</script><img src=x onerror=steal(2)>\"' onfocus=steal(3) {{ 7 | times: 603 }} {% raw %} =cmd()"
ADDRESS = "ada@example.net"
DESIGN = MJML.replace("here is news", 'here is <b title="{{ contact.note }}">news</b> for {{ contact.note }}')
SIGNS = re.compile(r"<script>steal|<img src=x|\" ?' ?onfocus|\b4221\b")


def bring(folder: Path, topic_id: int) -> int:
    """Import one person with markup in every field; return their id."""
    folder.mkdir(exist_ok=True)
    path = folder / "evil.csv"
    cell = '"' + EVIL.replace('"', '""') + '"'
    titles = ["email", "first_name", "last_name", "source", "tags", "note"]
    path.write_text(",".join(titles) + "\n" + ",".join([ADDRESS, cell, cell, cell, "<b>vip</b>", cell]) + "\n", "utf-8")
    with unit_of_work() as session:
        fields.declare(session, "note", "text", "Note <script>steal(0)</script>")
        batch = batches.create(session, inspect(path, folder), "<script>steal(4)</script>.csv")
        stated = Statement(topic_id, "confirmed", "consent", EVIL, EVIL)
        batches.prepare(session, batch, {title: title for title in titles}, stated)
    assert importing.run(batch).added == 1
    with unit_of_work() as session:
        return int(session.scalar(text("SELECT id FROM contact WHERE email = :email"), {"email": ADDRESS}) or 0)


def pages(client: FlaskClient, contact_id: int, campaign: Made) -> list[str]:
    """The paths at which this person, or what they are made of, is shown."""
    permission = tokens.sign_message(Purpose.PERMISSION, campaign.id, contact_id)
    view = tokens.sign_message(Purpose.VIEW, campaign.id, contact_id)
    return [
        "/contacts",
        "/contacts?q=script",
        f"/contacts/{contact_id}",
        f"/contacts/{contact_id}/edit",
        f"/contacts/{contact_id}/address",
        "/contacts/imports",
        "/contacts/imports/1",
        "/contacts/fields",
        f"/suppressions?q={ADDRESS}",
        "/segments/new",
        f"/campaigns/{campaign.id}",
        f"/campaigns/{campaign.id}/explain?address={ADDRESS}",
        "/settings/audit",
        f"/unsubscribe/{permission}",
        f"/preferences/{permission}",
        f"/view/{view}",
    ]


def test_row_64_imported_data_is_inert_in_pages_and_mail(
    client: FlaskClient, relay: RecordingRelay, run_jobs: Callable[[], int], tmp_path: Path
) -> None:
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        campaign = make_campaign(session)
    contact_id = bring(tmp_path / "imports", campaign.topic_id)
    with unit_of_work() as session:
        session.execute(text("UPDATE campaign_content SET mjml = :mjml"), {"mjml": DESIGN})
    launch(campaign)
    run_jobs()
    shown = 0
    for path in pages(client, contact_id, campaign):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert not SIGNS.search(answer.text), path
        shown += "steal" in answer.text
    assert shown >= 6, "the markup is there, as text"
    raw = relay.message(ADDRESS)
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    html, plain = (message.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None and plain is not None
    assert "&lt;script&gt;steal(1)" in html.get_content() and not SIGNS.search(html.get_content())
    assert EVIL[:24] in plain.get_content() and "{{ 7" in plain.get_content()
    assert str(message["Subject"]).startswith("News for <script>steal(1)") and len(message.get_all("Subject", [])) == 1
