"""The form of a list that people signed on paper."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from consent.forms.names import LANGUAGE_NAMES


class PaperForm(FlaskForm):  # type: ignore[misc]
    """What was signed, where, when, by whom, and its scan."""

    topic_ids = SelectMultipleField(
        _("What people signed for"), coerce=int, option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )
    signed_on = DateField(_("Signed on"), validators=[InputRequired()])
    place = StringField(
        _("Where"), validators=[InputRequired(), Length(max=100)], description=_("A fair, a shop, an evening.")
    )
    language = RadioField(_("Language of the paper"), choices=list(LANGUAGE_NAMES.items()))
    words = TextAreaField(
        _("The words that stood on the paper"), validators=[InputRequired(), Length(max=2000)], render_kw={"rows": 4}
    )
    scan = FileField(
        _("Scan of the signed paper"),
        validators=[FileRequired()],
        description=_("PDF, PNG or JPEG, 15 MB at most. Kept as evidence, shown to your colleagues alone."),
        render_kw={"accept": "application/pdf,image/png,image/jpeg"},
    )
    people = TextAreaField(
        _("People"),
        validators=[Length(max=100_000)],
        description=_("One a line: address, first name, last name. Or paste rows of a table."),
        render_kw={"rows": 8, "spellcheck": "false"},
    )
    table = FileField(_("Or a CSV file of the same"), render_kw={"accept": ".csv,.txt,text/csv,text/plain"})
    confirms = BooleanField(
        _("Send each of them a confirmation mail first"),
        description=_("Handwriting is misread, and not everybody writes their own address."),
    )
