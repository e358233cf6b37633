"""Forms that staff fill in about permission."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField, URLField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

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


class SignUpForm(FlaskForm):  # type: ignore[misc]
    """A hosted sign-up form."""

    name = StringField(
        _("Name"), validators=[InputRequired(), Length(max=100)], description=_("Only you and your colleagues see it.")
    )
    topic_ids = SelectMultipleField(
        _("Topics"), coerce=int, option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )
    fields = SelectMultipleField(
        _("Further fields, all optional for the visitor"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        description=_("Ask for little: every field costs sign-ups, and needs a reason (GDPR 5(1)(c))."),
    )
    asks_tracking = BooleanField(_("Ask apart whether opens and clicks may be measured"), default=True)
    redirect_url = URLField(
        _("Page after sending"), description=_("Empty: our own page, which says to look in the mailbox.")
    )
    active = BooleanField(_("Open for sign-ups"), default=True)
    title_en = StringField(_("Title"), validators=[Length(max=200)])
    title_fr = StringField(_("Title"), validators=[Length(max=200)])
    intro_en = TextAreaField(_("Introduction"), validators=[Length(max=1000)], render_kw={"rows": 4})
    intro_fr = TextAreaField(_("Introduction"), validators=[Length(max=1000)], render_kw={"rows": 4})
    consent_en = TextAreaField(_("What people agree to"), validators=[Length(max=2000)], render_kw={"rows": 4})
    consent_fr = TextAreaField(_("What people agree to"), validators=[Length(max=2000)], render_kw={"rows": 4})
    tracking_en = TextAreaField(
        _("What they may agree to apart: measuring"), validators=[Length(max=2000)], render_kw={"rows": 4}
    )
    tracking_fr = TextAreaField(
        _("What they may agree to apart: measuring"), validators=[Length(max=2000)], render_kw={"rows": 4}
    )

    def texts(self, kinds: tuple[str, ...]) -> dict[str, Mapping[str, str]]:
        """Return the texts by kind and language."""
        return {kind: {code: self[f"{kind}_{code}"].data or "" for code in LANGUAGE_NAMES} for kind in kinds}


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
