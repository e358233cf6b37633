"""A contact's mails: entries of their timeline and the panel of their page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.queries import merging
from app.customers.queries.timeline import TimelineEntry
from campaigns.models import Campaign, Message
from campaigns.policy import MessageState
from campaigns.queries.labels import bounce_label, gate_label


@dataclass(frozen=True)
class Moment:
    """One kind of thing that a message can tell: its column, how it looks, and what it is called."""

    column: str
    kind: str
    icon: str
    title: object


_MOMENTS = (
    Moment("sent_at", "sent", "mail-fast", _("Was sent a mail")),
    Moment("human_opened_at", "opened", "mail-opened", _("Opened a mail")),
    Moment("clicked_at", "clicked", "click", _("Clicked in a mail")),
    Moment("failed_at", "failed", "mail-x", _("A mail was refused")),
    Moment("unsubscribed_at", "unsubscribed", "mail-off", _("Unsubscribed from a mail")),
    Moment("complained_at", "complained", "flag", _("Reported a mail as spam")),
)
_NOT_SENT = Moment("launched_at", "skipped", "mail-cancel", _("Was not written to"))
_PERHAPS = Moment("launched_at", "unknown", "mail-question", _("Was perhaps sent a mail"))


def entries(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """Return the latest things that happened with a contact's mails, latest first."""
    newest = func.greatest(
        Campaign.launched_at, Message.sent_at, Message.human_opened_at, Message.clicked_at, Message.failed_at
    )
    rows = session.execute(
        select(Message, Campaign.name, Campaign.launched_at)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.contact_id == contact_id)
        .order_by(newest.desc().nulls_last())
        .limit(limit)
    )
    found = [entry for message, name, launched_at in rows for entry in _of_message(message, name, launched_at)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:limit]


def _of_message(message: Message, campaign: str, launched_at: datetime | None) -> Iterator[TimelineEntry]:
    url = f"/campaigns/{message.campaign_id}"
    for moment in _MOMENTS:
        at = getattr(message, moment.column)
        if at is not None:
            detail = campaign
            if moment.kind == "failed" and message.bounce_class:
                detail = f"{campaign} · {bounce_label(message.bounce_class)}"
            yield TimelineEntry(at, moment.kind, moment.icon, moment.title, detail, url)
    if launched_at is None:
        return
    if message.state == MessageState.SKIPPED:
        detail = f"{campaign} · {gate_label(message.reason or '')}"
        yield TimelineEntry(launched_at, _NOT_SENT.kind, _NOT_SENT.icon, _NOT_SENT.title, detail, url)
    elif message.state == MessageState.UNKNOWN:
        yield TimelineEntry(launched_at, _PERHAPS.kind, _PERHAPS.icon, _PERHAPS.title, campaign, url)


@dataclass(frozen=True)
class MailLine:
    """One mail of a contact as their page lists it."""

    campaign_id: int
    contact_id: int
    campaign: str
    state: str
    why: str
    at: datetime | None
    opened: bool
    clicked: bool


def latest_mails(session: Session, contact_id: int) -> dict[str, object]:
    """Return the context of the contact page's panel: the latest ten mails to this person, under every number."""
    rows = session.execute(
        select(Message, Campaign.name, Campaign.launched_at)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.contact_id.in_(merging.person(session, contact_id)))
        .order_by(Message.campaign_id.desc())
        .limit(10)
    )
    mails = [
        MailLine(
            campaign_id=message.campaign_id,
            contact_id=message.contact_id,
            campaign=name,
            state=message.state,
            why=gate_label(message.reason) if message.state == MessageState.SKIPPED and message.reason else "",
            at=message.sent_at or message.failed_at or launched_at,
            opened=message.human_opened_at is not None,
            clicked=message.clicked_at is not None,
        )
        for message, name, launched_at in rows
    ]
    return {"mails": mails, "contact_id": contact_id}
