"""What a mail that came in is: a wish to be unsubscribed, somebody's answer, or a machine's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from app.mail.inbound.parts import Part, read, texts, words
from app.mail.inbound.wishes import says_stop, text_of_html

UNSUBSCRIBING = re.compile(r"unsubscribe\+[0-9a-f]{16,}@", re.I)
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,255}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,320})>")
# The envelope's recipient, as servers note it on delivery, then what the sender wrote.
_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|owner-.*|.*-owner|.*-request|.*-bounces?(?:\+.*)?)@", re.I
)
_BY_ROBOTS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply")
_BY_LISTS = ("list-id", "list-post", "list-unsubscribe")
_REPORTS = ("multipart/report", "message/delivery-status", "message/disposition-notification")
_SOME = 50  # of addresses and references


class Kind(StrEnum):
    """What a mail is. More kinds (a bounce, a complaint) have their mark in what is ``automatic`` here."""

    UNSUBSCRIBE = "unsubscribe"
    REPLY = "reply"
    AUTOMATIC = "automatic"


@dataclass(frozen=True)
class Inbound:
    """A mail that came in. ``sender`` is blank when From names nobody or several; ``references`` are message ids."""

    kind: Kind
    sender: str
    recipients: tuple[str, ...]
    references: tuple[str, ...]


def recognise(raw: bytes) -> Inbound:
    """Return what a mail is, whatever it consists of; nothing is raised.

    Mail to an unsubscribing address is a wish whatever it says. Other mail is one only when its subject or the first
    line of its own says so and nothing more. What no person sent is neither (RFC 3834 §2).
    """
    mail = read(raw)
    recipients = tuple(found for name in _RECIPIENTS for value in mail.headers.get(name, []) for found in _in(value))
    references = [
        found for name in ("in-reply-to", "references") for found in _MESSAGE_ID.findall(mail.first(name)[:8000])
    ]
    to_unsubscribe = any(UNSUBSCRIBING.match(address) for address in recipients)
    if _automatic(mail, to_unsubscribe):
        kind = Kind.AUTOMATIC
    else:
        kind = Kind.UNSUBSCRIBE if to_unsubscribe or _says_stop(mail) else Kind.REPLY
    return Inbound(kind, _sender(mail), recipients[:_SOME], tuple(dict.fromkeys(references))[:_SOME])


def _says_stop(mail: Part) -> bool:
    plain, html = texts(mail)
    return says_stop(words(mail.first("subject")), plain if plain.strip() else text_of_html(html))


def _automatic(mail: Part, to_unsubscribe: bool) -> bool:
    """Tell whether no person sent it: an empty return path, a report, a list, a robot (RFC 3834 §2, §5).

    A mail program that unsubscribes for its user may call that generated: at the address that exists for it, it counts.
    Apple's calls it an answer; there the subject tells, which List-Unsubscribe prescribes and no note of absence has.
    """
    submitted = mail.first("auto-submitted").partition(";")[0].strip().lower()
    harmless: tuple[str, ...] = ("", "no", "auto-generated") if to_unsubscribe else ("", "no")
    if mail.first("subject").strip().lower() == "unsubscribe":
        harmless += ("auto-replied",)
    precedence = mail.first("precedence").strip().lower()
    return (
        mail.first("return-path").replace(" ", "") == "<>"
        or submitted not in harmless
        or precedence in ("bulk", "list", "junk", "auto_reply")
        or mail.kind in _REPORTS
        or any(name in mail.headers for name in (*_BY_ROBOTS, *_BY_LISTS))
        or _MACHINES.match(_sender(mail)) is not None
    )


def _sender(mail: Part) -> str:
    value = mail.first("from")
    if len(mail.headers.get("from", [])) > 1:
        return ""
    named = re.findall(r"<([^<>\s]{3,320})>", value) or _in(value)
    return named[0] if len(named) == 1 else ""


def _in(value: str) -> list[str]:
    return _ADDRESS.findall(value[:8000])
