"""What people read for the looks of the access log."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.accounts.policy import Look

LOOK_NAMES = {
    Look.OPENED: _("opened"),
    Look.LISTED: _("saw in a list"),
    Look.EXPORTED: _("downloaded data of"),
    Look.PROVED: _("downloaded the proof of"),
    Look.EXPLAINED: _("asked why a mail came, or not, to"),
    Look.PREVIEWED: _("previewed a mail as"),
    Look.IMPORTED: _("saw rows of an imported file"),
    Look.REQUEST: _("read a request of"),
    Look.MAIL: _("read the local outbox"),
}
SUBJECT_NAMES = {
    "base": _("the whole customer base"),
    "segment": _("a segment"),
    "import": _("import"),
    "campaign": _("campaign"),
    "paper": _("paper list"),
    "request": _("request"),
}
