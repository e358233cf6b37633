"""Names of the states that badges show, of all rooms."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

NAMES = {
    "active": _("active"),
    "archived": _("archived"),
    "block": _("block"),
    "cancelled": _("cancelled"),
    "claimed": _("claimed"),
    "completed": _("completed"),
    "confirmed": _("confirmed"),
    "deferred": _("deferred"),
    "delivered": _("delivered"),
    "done": _("done"),
    "draft": _("draft"),
    "error": _("error"),
    "expired": _("expired"),
    "failed": _("failed"),
    "finished": _("finished"),
    "freezing": _("preparing"),
    "granted": _("granted"),
    "hard": _("hard"),
    "held_out": _("held out"),
    "inactive": _("inactive"),
    "launching": _("launching"),
    "never_asked": _("never asked"),
    "ok": _("ok"),
    "paused": _("paused"),
    "pausing": _("pausing"),
    "pending": _("pending"),
    "preparing": _("preparing"),
    "queued": _("queued"),
    "ready": _("ready"),
    "running": _("running"),
    "scheduled": _("scheduled"),
    "sending": _("sending"),
    "sent": _("sent"),
    "skipped": _("skipped"),
    "soft": _("soft"),
    "stopped": _("stopped"),
    "stopping": _("stopping"),
    "undoing": _("being undone"),
    "undone": _("undone"),
    "suppressed": _("suppressed"),
    "unknown": _("unknown"),
    "waiting": _("waiting"),
    "warning": _("warning"),
    "withdrawn": _("withdrawn"),
}


def state_name(state: str) -> str:
    """Return the translated name of ``state``; one that is not known here as it is, without underscores."""
    return str(NAMES.get(state, str(state).replace("_", " ")))
