"""What came back: a bounce, a complaint, a machine's answer, a person's; whom it is about, and what it means for them.

Nothing here does anything: policy decides what a genuine notice leads to, and whether the address it names is that of
the person whom its token names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.core import tokens
from app.core.errors import InvalidToken
from app.core.tokens import MessageToken
from app.mail.inbound import automatic, bounce, complaint, prose
from app.mail.inbound.notice import Notice, take_apart
from app.mail.inbound.recognise import Kind, recognise
from app.mail.inbound.returned import Recipient, Returned, ReturnKind
from app.mail.replies import Reason, ReturnClass, verdict

_MESSAGE_ID = re.compile(r"<?([^<>\s\"]{1,320}@[^<>\s\"]{1,255})>?")
_ID_IN_TEXT = re.compile(r"^[ \t]*(?:original-)?message-id[ \t]*:[ \t]*<?([^<>\s]{3,320})>?", re.I | re.M)
_TOKEN = re.compile(r"\b[0-9a-f]{48}(?=@)", re.I)
_CAME_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "in-reply-to", "references")
_SENT_AS = ("return-path", "message-id", "x-envelope-from")


def classify(raw: bytes) -> Returned:
    """Return what a mail that came in is, whatever it consists of; nothing is raised."""
    try:
        return _classify(raw)
    except Exception as error:
        # Strangers write these mails; one of them must not hold up the others, whatever we overlooked.
        return Returned(ReturnKind.NOT_BOUNCE, reason=f"cannot be read: {type(error).__name__}")


def _classify(raw: bytes) -> Returned:
    notice = take_apart(raw)
    kind, people, reason = _kind(notice, raw)
    return Returned(kind, tuple(people), _message_id(notice), _token(notice), reason)


def _kind(notice: Notice, raw: bytes) -> tuple[ReturnKind, list[Recipient], str]:
    if complaint.is_feedback(notice):
        return _feedback(notice)
    if people := bounce.reported(notice):
        return _kind_of_report(people), people, ""
    if automatic.is_daemon(notice) and (people := bounce.told(notice)):
        return ReturnKind.BOUNCE, people, ""
    found = recognise(raw)
    sender = found.sender or None
    if found.kind is Kind.UNSUBSCRIBE:
        return ReturnKind.UNSUBSCRIBE, [Recipient(sender, None, "", None, None, True)], ""
    if automatic.is_challenge(notice):
        return ReturnKind.CHALLENGE, [], ""
    if automatic.is_autoreply(notice):
        if automatic.says_gone(notice):
            return ReturnKind.AUTOREPLY_WITH_FAILURE, [Recipient.of(sender, verdict(Reason.SUSPENDED))], ""
        return ReturnKind.AUTOREPLY, [Recipient.of(sender, verdict(Reason.VACATION))], ""
    answers = found.kind is Kind.REPLY and bool(found.references)
    if not answers and (people := bounce.told(notice)):
        return ReturnKind.BOUNCE, people, ""
    if answers or (found.kind is Kind.REPLY and _token(notice) is not None):
        return ReturnKind.REPLY, [], ""
    return ReturnKind.NOT_BOUNCE, [], ""


def _kind_of_report(people: list[Recipient]) -> ReturnKind:
    classes = {person.cls for person in people}
    if classes == {ReturnClass.COMPLAINT}:
        return ReturnKind.COMPLAINT
    return ReturnKind.DELIVERED if classes == {ReturnClass.DELIVERED} else ReturnKind.BOUNCE


def _feedback(notice: Notice) -> tuple[ReturnKind, list[Recipient], str]:
    people: Iterable[str | None] = complaint.complainants(notice) or [None]
    if reason := complaint.no_complaint(notice):
        return ReturnKind.NOT_BOUNCE, [Recipient(each, None, reason, None, None, False) for each in people], reason
    return ReturnKind.COMPLAINT, [Recipient.of(each, verdict(Reason.FEEDBACK)) for each in people], ""


def _message_id(notice: Notice) -> str | None:
    named = notice.returned.first("message-id") if notice.returned else ""
    for fields in notice.status:
        named = named or fields.get("x-original-message-id", [""])[0]
    if found := _MESSAGE_ID.search(named or notice.mail.first("in-reply-to")):
        return found[1]
    quoted = _ID_IN_TEXT.search(notice.text)
    return quoted[1] if quoted else None


def _token(notice: Notice) -> MessageToken | None:
    """Return the message of ours that a genuine token names, in what the notice came to or in what it returns."""
    named = [value for name in _CAME_TO for value in notice.mail.headers.get(name, [])]
    if notice.returned:
        named += [value for name in _SENT_AS for value in notice.returned.headers.get(name, [])]
    named += notice.feedback.get("original-mail-from", [])
    for token in _TOKEN.findall(" ".join(named)[:20_000])[: prose.MOST]:
        try:
            return tokens.read_return_path(token.lower())
        except InvalidToken:
            continue
    return None
