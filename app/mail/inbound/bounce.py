"""Bounces: whom they name and what is said of each, from a delivery report (RFC 3464) or from prose."""

from __future__ import annotations

import re

from app.mail.inbound import prose
from app.mail.inbound.automatic import is_daemon
from app.mail.inbound.notice import Notice
from app.mail.inbound.parts import Fields, words
from app.mail.inbound.phrases import BOUNCED, FAILED, PASSED_ON, STILL_TRIED
from app.mail.inbound.returned import Recipient
from app.mail.replies import Reason, judge, verdict

_NAMED_IN = ("final-recipient", "original-recipient", "x-actual-recipient")
_ARRIVED = ("delivered", "relayed", "expanded")  # RFC 3464 §2.3.3
_SENDERS_IN = ("from", "return-path", "sender", "reply-to")
_RECIPIENTS_IN = ("x-failed-recipients", "x-original-to", "delivered-to", "to", "cc")
_MOST = 100


def reported(notice: Notice) -> list[Recipient]:
    """Return the recipients of a delivery report, one for each that it names."""
    people = [(named[0], fields) for fields in notice.status if (named := _named(fields))]
    everybody = list(dict.fromkeys(address for address, _ in people))
    found: dict[str, Recipient] = {}
    for address, fields in people[:_MOST]:
        found[address.lower()] = _report(address, fields, prose.about(notice.text, address, everybody))
    return list(found.values())


def told(notice: Notice) -> list[Recipient]:
    """Return the recipients of a bounce that is written in prose; none where it is no bounce."""
    failed = _all_in(notice.mail.headers, "x-failed-recipients")
    from_system = is_daemon(notice) or notice.mail.first("return-path").replace(" ", "") == "<>"
    subject = words(notice.mail.first("subject"))
    if not failed and not from_system and (PASSED_ON.search(subject) or not BOUNCED.search(subject)):
        return []
    if not failed and not (from_system and notice.returned) and not FAILED.search(f"{subject} {notice.text}"):
        return []
    people = failed or prose.unreached(notice.text, _senders(notice), _own_domain(notice))
    if not people and notice.returned is not None:
        people = _first_in(notice.returned.headers, *_RECIPIENTS_IN)
    final = not STILL_TRIED.search(f"{subject}\n{notice.text}")
    return [_telling(address, prose.about(notice.text, address, people), final=final) for address in people]


def _named(fields: Fields) -> list[str]:
    return [
        each
        for name in _NAMED_IN
        for value in fields.get(name, [])
        for each in prose.in_field(words(value.partition(";")[2] if ";" in value else value))
    ]


def _report(address: str, fields: Fields, said: str) -> Recipient:
    diagnostic, status = _first(fields, "diagnostic-code"), _first(fields, "status")
    code, enhanced = _codes(diagnostic, status)
    action = _first(fields, "action").lower()
    if action == "complaint":
        return Recipient.of(address, verdict(Reason.FEEDBACK))
    if action.startswith(_ARRIVED):
        return Recipient.of(address, verdict(Reason.DELIVERED), code, enhanced)
    if not diagnostic and (not enhanced or enhanced.endswith(".0.0")):
        code, enhanced = code or prose.reply_code(said), prose.enhanced_code(said) or enhanced
    first = diagnostic or re.sub(r"^[\d. ]+", "", status)
    judged = judge(code, enhanced, first, prose.replies(said), said)
    tried = action == "delayed"
    if tried and judged.suppress:
        judged = verdict(Reason.EXPIRED)
    return Recipient.of(address, judged, code, enhanced, final=not tried, said=first or prose.replies(said))


def _telling(address: str, said: str, *, final: bool) -> Recipient:
    code, enhanced = prose.reply_code(said), prose.enhanced_code(said)
    quoted = prose.replies(said)
    return Recipient.of(address, judge(code, enhanced, quoted, said), code, enhanced, final=final, said=quoted)


def _codes(diagnostic: str, status: str) -> tuple[int | None, str]:
    """Return the codes of a report; that of the server which refused counts for more than the reporter's own."""
    quoted = prose.enhanced_code(diagnostic)
    if not quoted or quoted.endswith(".0.0"):
        quoted = prose.enhanced_code(status) or quoted
    return prose.reply_code(diagnostic), quoted


def _first(fields: Fields, name: str) -> str:
    value = words(" ".join(fields.get(name, [])))
    kind, semicolon, rest = value.partition(";")
    return (rest if semicolon and len(kind) < 20 else value).strip()


def _senders(notice: Notice) -> frozenset[str]:
    to = _all_in(notice.mail.headers, "to", "delivered-to")
    sent_by = _all_in(notice.returned.headers, *_SENDERS_IN) if notice.returned else []
    return frozenset(each.lower() for each in (*to, *sent_by))


def _own_domain(notice: Notice) -> str:
    named = prose.addresses(notice.mail.first("from"))
    return named[0].partition("@")[2] if named and is_daemon(notice) else ""


def _all_in(headers: Fields, *names: str) -> list[str]:
    """Return the addresses in all of these headers."""
    return prose.unique(each for name in names for value in headers.get(name, []) for each in prose.addresses(value))


def _first_in(headers: Fields, *names: str) -> list[str]:
    """Return the addresses in the first of these headers that has any."""
    return next((found for name in names if (found := _all_in(headers, name))), [])
