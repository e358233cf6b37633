"""System mails: confirmation, access link, notices. Neutral, untracked, marked as automatic (RFC 3834 §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from app.mail import mime
from app.mail.content import Fields, compile_design
from app.mail.dkim import Signer
from app.mail.merge import Value, Values
from app.mail.skeleton import Frame, Skeleton, build_skeleton
from app.mail.templates import FOLDER, language_of, read

SystemMail = Literal[
    "confirm",
    "confirm_reminder",
    "confirm_parent",
    "welcome",
    "access_link",
    "address_confirm",
    "address_changed",
    "erased",
    "campaign_finished",
    "request_due",
]
_FIELDS = Fields(
    contact=frozenset(),
    brand=frozenset({"name", "colour"}),
    extra=frozenset(
        {"topics", "expires", "minutes", "campaign_name", "sent", "failed", "skipped", "unknown", "request_number"}
    )
    | frozenset({"asked", "minor", "subject", "paragraphs", "topic", "former_address", "new_address", "contact_email"}),
    urls=frozenset({"confirm_url", "link_url", "report_url", "preferences_url", "unsubscribe_url"}),
)


@dataclass(frozen=True, slots=True)
class SystemSender:
    """Who a system mail comes from, and how it looks."""

    from_address: str
    from_name: str
    message_id_domain: str
    brand_name: str
    postal_address: str
    reply_to: str = ""
    colour: str = "#206bc4"


@dataclass(frozen=True, slots=True)
class MailingList:
    """What makes a mail one of a list: its List-Id (RFC 2919) and name. Its values hold ``unsubscribe_url``, which the
    headers of RFC 8058 carry."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ComposedMail:
    """A finished system mail; hand ``data`` to ``send_one``."""

    to_address: str
    subject: str
    data: bytes


def compose(
    name: SystemMail,
    language: str,
    *,
    sender: SystemSender,
    to_address: str,
    values: Values,
    message_id: str,
    now: datetime,
    to_name: str = "",
    signer: Signer | None = None,
    listed: MailingList | None = None,
) -> ComposedMail:
    """Build and sign a system mail.

    ``values`` by mail: confirm – ``confirm_url``, ``topics`` (tuple of names), ``expires`` (text); confirm_reminder –
    the same and ``asked`` (text); confirm_parent – as confirm and ``minor`` (masked address); welcome – ``subject``,
    ``paragraphs``, ``topic``, ``preferences_url``, ``unsubscribe_url``, and it is ``listed``; access_link –
    ``link_url``, ``minutes``; address_confirm – ``confirm_url``, ``former_address`` (masked); address_changed –
    ``new_address`` (masked), ``contact_email``; erased – ``contact_email``; campaign_finished – ``campaign_name``,
    ``report_url``, ``sent``, ``failed``, ``skipped``, ``unknown``; request_due – ``request_number``, ``expires``
    (text), ``link_url``. Raises AddressRefused, and ValueError when a value is missing.
    """
    skeleton = _skeleton(name, language_of(language), sender, listed)
    if missing := skeleton.needs - values.keys() - {"to_address", "to_name", "message_id", "date"}:
        raise ValueError(f"the mail “{name}” needs {', '.join(sorted(missing))}")
    person: dict[str, Value] = {
        **values,
        "to_address": to_address,
        "to_name": to_name,
        "message_id": message_id,
        "date": mime.date_header(now),
    }
    rendered = skeleton.render(person)
    signature = signer.sign(rendered, int(now.timestamp())) if signer else b""
    return ComposedMail(to_address, skeleton.subject(person), rendered.message(signature))


@lru_cache(maxsize=64)
def _skeleton(name: SystemMail, language: str, sender: SystemSender, listed: MailingList | None) -> Skeleton:
    head, content = read(FOLDER / name / f"{language}.mjml")
    layout = (FOLDER / "layout.mjml").read_text("utf-8")
    constants: dict[str, Value] = {
        "brand.name": sender.brand_name,
        "brand.colour": sender.colour,
        "postal_address": sender.postal_address,
    }
    design = compile_design(
        layout.replace("[[language]]", language).replace("[[content]]", content),
        fields=_FIELDS,
        constants=constants,
        language=language,
    )
    frame = Frame(
        from_address=sender.from_address,
        from_name=sender.from_name,
        subject=head["subject"],
        message_id_domain=sender.message_id_domain,
        reply_to=sender.reply_to,
        list_id=listed.id if listed else "",
        list_name=listed.name if listed else "",
        bulk=listed is not None,
    )
    return build_skeleton(design, frame, None, constants=constants, fields=_FIELDS)
