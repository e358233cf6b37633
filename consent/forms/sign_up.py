"""The form of a sign-up form."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField, URLField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from consent.forms.names import LANGUAGE_NAMES

_NAMES = _(
    "The names in braces are filled in from your settings and topics. A proof keeps the text as the person saw it."
)


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
    disposable = SelectField(
        _("Addresses that live for minutes"),
        default="allow",
        choices=[("allow", _("take them")), ("warn", _("warn")), ("refuse", _("refuse"))],
        description=_("Some use them for their privacy. A confirmation mail must reach them anyway."),
    )
    age_country = SelectField(
        _("Ask whether somebody is old enough to consent"),
        default="",
        description=_("Under that age a parent is asked first. Only the answer is kept, no date of birth."),
    )
    reminds = BooleanField(_("Remind once, after two days, who did not confirm"))
    welcomes = BooleanField(_("Send a welcome mail on confirmation"))
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

    notice_en = TextAreaField(
        _("What the law wants them told"), validators=[Length(max=4000)], render_kw={"rows": 9}, description=_NAMES
    )
    notice_fr = TextAreaField(
        _("What the law wants them told"), validators=[Length(max=4000)], render_kw={"rows": 9}, description=_NAMES
    )
    welcome_subject_en = StringField(_("Subject of the welcome mail"), validators=[Length(max=150)])
    welcome_subject_fr = StringField(_("Subject of the welcome mail"), validators=[Length(max=150)])
    welcome_text_en = TextAreaField(_("Text of the welcome mail"), validators=[Length(max=3000)], render_kw={"rows": 5})
    welcome_text_fr = TextAreaField(_("Text of the welcome mail"), validators=[Length(max=3000)], render_kw={"rows": 5})

    def texts(self, kinds: tuple[str, ...]) -> dict[str, Mapping[str, str]]:
        """Return the texts by kind and language."""
        return {kind: {code: self[f"{kind}_{code}"].data or "" for code in LANGUAGE_NAMES} for kind in kinds}
