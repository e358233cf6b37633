"""The form of a suppression."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length


class SuppressForm(FlaskForm):  # type: ignore[misc]
    """An address, a domain or a pattern that is not to be written to."""

    kind = RadioField(
        _("What"),
        choices=[("address", _("One address")), ("domain", _("A whole domain")), ("pattern", _("A pattern"))],
        default="address",
    )
    value = StringField(
        _("Address, domain or pattern"),
        validators=[InputRequired(), Length(max=320)],
        description=_("someone@example.com, example.com, or info@* with * for anything"),
    )
    source = StringField(_("Why"), validators=[InputRequired(), Length(max=300)], description=_("Kept with it."))
