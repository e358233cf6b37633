"""The form of a topic."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from consent.forms.names import LANGUAGE_NAMES

PURPOSES = {
    "marketing": _("Marketing: offers and products"),
    "newsletter": _("Newsletter: editorial content"),
    "events": _("Invitations to events"),
    "fundraising": _("Fundraising and membership"),
}


class TopicForm(FlaskForm):  # type: ignore[misc]
    """A topic. Texts per language; what is not translated is shown in the other language."""

    brand_id = SelectField(_("Brand"), coerce=int)
    name_en = StringField(_("Name in English"), validators=[Length(max=100)])
    name_fr = StringField(_("Name in French"), validators=[Length(max=100)])
    description_en = TextAreaField(_("Description in English"), validators=[Length(max=500)], render_kw={"rows": 4})
    description_fr = TextAreaField(_("Description in French"), validators=[Length(max=500)], render_kw={"rows": 4})
    purpose = SelectField(_("Purpose"), choices=list(PURPOSES.items()))
    accepts = SelectMultipleField(
        _("Permission that suffices"),
        choices=[
            ("consent@confirmed", _("Consent, confirmed by a button in a mail (double opt-in)")),
            ("consent@opt_in", _("Consent without that confirmation, e.g. imported with evidence")),
            (
                "soft_opt_in@opt_out",
                _("Soft opt-in: customers, similar goods, told and able to refuse when they bought"),
            ),
        ],
        default=["consent@confirmed", "soft_opt_in@opt_out"],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    public = BooleanField(_("Offered to everybody on the preference page"), default=True)

    def texts(self, kind: str) -> dict[str, str]:
        """Return the texts of ``kind`` (name, description) by language."""
        return {language: self[f"{kind}_{language}"].data or "" for language in LANGUAGE_NAMES}
