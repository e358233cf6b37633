"""Mail that a machine wrote for somebody: notes of absence (RFC 3834) and questions whether we are human."""

from __future__ import annotations

from app.mail.inbound.notice import Notice
from app.mail.inbound.parts import words
from app.mail.inbound.phrases import AWAY, CHALLENGE, DAEMON, GONE

_ROBOTS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-vacation")
_LOOKED_AT = 8_000  # characters of a text in which a question is looked for


def is_daemon(notice: Notice) -> bool:
    """Tell whether a mail system sent it, by the name it goes by."""
    return DAEMON.search(words(notice.mail.first("from"))) is not None


def is_autoreply(notice: Notice) -> bool:
    """Tell whether it is somebody's automatic answer (RFC 3834 §5): a mail system's own notices are none."""
    if is_daemon(notice):
        return False
    mail = notice.mail
    submitted = mail.first("auto-submitted").partition(";")[0].strip().lower()
    return (
        submitted in ("auto-replied", "auto-generated (vacation)")
        or any(name in mail.headers for name in _ROBOTS)
        or mail.first("precedence").strip().lower() == "auto_reply"
        or AWAY.search(words(mail.first("subject"))) is not None
    )


def says_gone(notice: Notice) -> bool:
    """Tell whether an automatic answer says that its writer is to be reached there no more."""
    return GONE.search(notice.text) is not None


def is_challenge(notice: Notice) -> bool:
    """Tell whether it asks the sender to prove that a person wrote."""
    return CHALLENGE.search(f"{words(notice.mail.first('subject'))}. {notice.text[:_LOOKED_AT]}") is not None
