"""What people read for states, levels, bases, acts and reasons."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
STATE_NAMES = {
    "never_asked": _("never asked"),
    "pending": _("pending"),
    "granted": _("granted"),
    "withdrawn": _("withdrawn"),
    "expired": _("expired"),
}
LEVEL_NAMES = {
    "opt_out": _("opt-out"),
    "passive": _("passive"),
    "opt_in": _("opt-in"),
    "confirmed": _("confirmed"),
}
BASIS_NAMES = {
    "consent": _("consent"),
    "soft_opt_in": _("soft opt-in"),
    "charity_support": _("support of a charity"),
    "b2b_interest": _("business interest"),
    "implied_purchase": _("implied by a purchase"),
    "implied_inquiry": _("implied by an inquiry"),
}
ACTION_NAMES = {
    "request": _("Asked for"),
    "grant": _("Permitted"),
    "confirm": _("Confirmed"),
    "withdraw": _("Withdrawn"),
    "expire": _("Expired"),
    "object": _("Objected to all marketing"),
    "complain": _("Reported a mail as spam"),
    "correct": _("Address corrected"),
    "merge": _("Merged"),
    "erase": _("Data erased"),
}
ACTOR_NAMES = {
    "subscriber": _("the person"),
    "staff": _("staff, on request"),
    "import": _("an import"),
    "system": _("the system"),
}
REASON_NAMES = {
    "hard_bounce": _("hard bounce"),
    "soft_bounces": _("repeated soft bounces"),
    "complaint": _("spam complaint"),
    "objection": _("objection"),
    "erasure": _("erasure"),
    "manual": _("by hand"),
    "import": _("imported list"),
}
