"""What people read for the gates of a campaign and the classes of a refusal."""

from __future__ import annotations

from flask_babel import gettext as _

from app.mail.replies import BounceClass
from campaigns.policy import ASKED_BEFORE, EXCLUDED, NO_NEED
from consent.queries import gates


def gate_label(gate: str) -> str:
    """Return what people read for a gate, those of consent and the campaign's own."""
    own: dict[str, str] = {
        EXCLUDED: _("In an excluded segment"),
        ASKED_BEFORE: _("Asked already, without an answer since"),
        NO_NEED: _("Answered, renewed or left before their wave"),
    }
    return str(own.get(gate) or gates.label(gate))


def bounce_label(bounce_class: str) -> str:
    """Return what people read for the class of a final refusal; blank for one that no server said."""
    known: dict[str, str] = {
        BounceClass.HARD: _("the address does not work"),
        BounceClass.SOFT: _("the mailbox did not take it in time"),
        BounceClass.BLOCK: _("the receiver refused the sender"),
        "undetermined": _("for a reason that was not clear"),
    }
    return known.get(bounce_class) or str(_("the message could not be written"))
