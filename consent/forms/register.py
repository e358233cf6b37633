"""Names and the form of the register of processing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import Length

from consent.forms.names import BASIS_NAMES

GROUND_NAMES = {
    **BASIS_NAMES,
    "legal_obligation": _("legal obligation"),
    "legitimate_interest": _("legitimate interest"),
}
MOST = [Length(max=5000)]


class RegisterForm(FlaskForm):  # type: ignore[misc]
    """What no setting tells. The names of the fields are those of ``policy.register.Text``."""

    officer = TextAreaField(
        _("Data protection officer, representative, joint controllers"), validators=MOST, render_kw={"rows": 2}
    )
    recipients = TextAreaField(
        _("Further recipients"),
        validators=MOST,
        render_kw={"rows": 3},
        description=_("Who else gets the data, and where: hosting, back-ups, a shop system."),
    )
    safeguards = TextAreaField(
        _("Safeguards of transfers"),
        validators=MOST,
        render_kw={"rows": 3},
        description=_("For relays and recipients outside the European Economic Area: adequacy decision, clauses."),
    )
    security = TextAreaField(
        _("Technical and organisational measures"),
        validators=MOST,
        render_kw={"rows": 6},
        description=_("Empty: what Permesso brings by itself."),
    )
    notes = TextAreaField(_("Notes"), validators=MOST, render_kw={"rows": 3})
