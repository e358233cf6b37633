"""Test mails: somebody waits for them, so they go through the queue of system mails."""

from __future__ import annotations

from app.core.db import unit_of_work
from app.core.jobs import job
from app.mail.smtp import Relay, send_one
from campaigns.services import preview


@job(preview.TEST.name, queue=preview.TEST.queue)
def send_test(campaign_id: int, language: str, address: str, contact_id: int | None) -> None:
    """Send one test mail over SMTP. Running twice sends it twice, which harms nobody."""
    with unit_of_work() as session:
        mail = preview.test_mail(session, campaign_id, language, address, contact_id)
    send_one(Relay.from_url(mail.relay.url), mail.mail_from, mail.to, mail.data)
