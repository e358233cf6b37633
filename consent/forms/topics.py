"""The form of a topic."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from consent.forms.names import LANGUAGE_NAMES, PAIR_NAMES, PROFILE_NAMES
from consent.policy.profiles import PROFILES, Profile

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
    public = BooleanField(_("Offered to everybody on the preference page"), default=True)

    def texts(self, kind: str) -> dict[str, str]:
        """Return the texts of ``kind`` (name, description) by language."""
        return {language: self[f"{kind}_{language}"].data or "" for language in LANGUAGE_NAMES}

    def pairs(self, profile: str) -> SelectMultipleField:
        """Return the field of what suffices under a profile."""
        return self[f"accepts_{profile}"]


def offered(profile: Profile) -> list[str]:
    """Return the pairs that a topic can be told to accept under a profile, the strictest first."""
    return [pair for pair in PAIR_NAMES if pair in profile.possible]


for _profile in PROFILES.values():
    setattr(
        TopicForm,
        f"accepts_{_profile.name}",
        SelectMultipleField(
            PROFILE_NAMES[_profile.name],
            choices=[(pair, PAIR_NAMES[pair]) for pair in offered(_profile)],
            option_widget=CheckboxInput(),
            widget=ListWidget(prefix_label=False),
        ),
    )
