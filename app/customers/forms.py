"""Forms of the customer base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, EmailField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from app.customers.policy.codes import Options, countries, languages
from app.customers.policy.rules import Rule
from app.customers.policy.values import DateOrder, FieldValue, Kind, show
from app.customers.queries.contacts import ContactInfo
from app.customers.queries.fields import FieldInfo
from app.customers.services.fields import Terms

KINDS = {
    Kind.TEXT: _("Text"),
    Kind.NUMBER: _("Number"),
    Kind.MONEY: _("Amount of money"),
    Kind.DATE: _("Date"),
    Kind.BOOLEAN: _("Yes or no"),
    Kind.CHOICE: _("One choice"),
    Kind.CHOICES: _("Several choices"),
    Kind.URL: _("Web address"),
    Kind.COUNTRY: _("Country"),
    Kind.LANGUAGE: _("Language"),
}
CORE_TEXTS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "language": _("Language"),
    "country": _("Country"),
    "time_zone": _("Time zone"),
    "source": _("Source"),
}
TARGETS = {
    "email": _("E-mail address"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "full_name": _("Full name"),
    "language": _("Language"),
    "time_zone": _("Time zone"),
    "country": _("Country"),
    "source": _("Source"),
    "tags": _("Tags"),
    "status": _("Status: subscribed, unsubscribed, bounced…"),
    "confirmed": _("Confirmed: yes or no"),
    "opted_in_at": _("Agreed on"),
    "opted_in_ip": _("Agreed from (IP address)"),
    "opted_out_at": _("Left on (no permission is given)"),
    "blocked": _("Blocked there (no permission is given)"),
    "bounced_at": _("Bounced on (is suppressed)"),
    "complained_at": _("Complained on (is suppressed)"),
    "changed_at": _("Last changed on"),
}
LEVELS = {
    "confirmed": _("Confirmed: they clicked a link in a mail (double opt-in)"),
    "opt_in": _("Opt-in: they ticked a box or asked for it"),
    "passive": _("Passive: they knew and did not object"),
    "opt_out": _("Opt-out: they can only say no"),
}
BASES = {
    "consent": _("Consent"),
    "soft_opt_in": _("Soft opt-in: customers, similar goods, could refuse when they gave the address"),
    "charity_support": _("Support of a charity: its soft opt-in (United Kingdom)"),
    "b2b_interest": _("Business interest: role-related, told and able to refuse"),
    "implied_purchase": _("Implied by a purchase (Canada, 24 months)"),
    "implied_inquiry": _("Implied by an inquiry (Canada, 6 months)"),
}
RULES = {
    Rule.OVERWRITE: _("replaces"),
    Rule.FILL: _("fills what is empty"),
    Rule.KEEP: _("for new people only"),
    Rule.NEWEST: _("newest wins"),
}
# Targets that say something of permission, which no rule for values concerns.
RULELESS = frozenset(TARGETS) - set(CORE_TEXTS) - {"full_name", "tags"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252 (Western Europe)",
    "iso8859-15": "ISO-8859-15",
    "mac_roman": "Mac Roman",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "utf-32": "UTF-32",
}
DELIMITERS = {",": _("commas"), ";": _("semicolons"), "\t": _("tabs"), "|": _("bars")}
_LISTS = {"country": countries, "language": languages}
_ATTRIBUTES = {"time_zone": {"list": "time-zones"}}
_HINTS = {
    Kind.DATE: _("As 2026-03-04."),
    Kind.CHOICES: _("Separate several with semicolons."),
}


class AddressForm(FlaskForm):  # type: ignore[misc]
    """An address."""

    email = EmailField(_("E-mail address"), validators=[DataRequired()], render_kw={"autocomplete": "off"})


class UploadForm(FlaskForm):  # type: ignore[misc]
    """A file to import."""

    file = FileField(_("File"))


class FieldForm(FlaskForm):  # type: ignore[misc]
    """A field of the dictionary. Name and type are fixed once it is declared."""

    name = StringField(
        _("Name"),
        validators=[DataRequired(), Length(max=63)],
        description=_("Used in merge tags and files: lower-case letters, digits and _. It never changes."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    kind = SelectField(_("Type"), choices=[(kind.value, text) for kind, text in KINDS.items()])
    label_en = StringField(_("Label in English"), validators=[Length(max=100)])
    label_fr = StringField(_("Label in French"), validators=[Length(max=100)])
    description = StringField(_("What it means"), validators=[Length(max=500)])
    choices = TextAreaField(_("Choices, one a line"), description=_("Only for fields of choices."))
    personal = BooleanField(_("Personal data"), default=True)
    subscriber_may_see = BooleanField(_("Subscribers see it on their page"))
    subscriber_may_edit = BooleanField(_("Subscribers may change it themselves"))
    staff_may_edit = BooleanField(_("Staff may change it by hand"), default=True)
    origin = StringField(
        _("Which system knows best"), validators=[Length(max=200)], description=_("For example the shop, or the ERP.")
    )
    keep_days = IntegerField(
        _("Days to keep a value"), validators=[Optional()], description=_("Blank: as long as the contact.")
    )
    titles = TextAreaField(_("Other titles in files, one a line"), description=_("So that imports find it."))

    @property
    def terms(self) -> Terms:
        """What the form says, but name and type."""
        return Terms(
            label=self.labels,
            description=self.description.data or "",
            choices=self.choice_list,
            personal=self.personal.data,
            subscriber_may_see=self.subscriber_may_see.data,
            subscriber_may_edit=self.subscriber_may_edit.data,
            staff_may_edit=self.staff_may_edit.data,
            origin=self.origin.data or "",
            keep_days=self.keep_days.data,
            titles=str(self.titles.data or "").splitlines(),
        )

    @property
    def labels(self) -> dict[str, str]:
        """The labels by language."""
        return {"en": self.label_en.data or "", "fr": self.label_fr.data or ""}

    @property
    def choice_list(self) -> list[str]:
        """The choices."""
        return str(self.choices.data or "").splitlines()


class EditFieldForm(FieldForm):
    """A declared field: what may still be changed."""

    name = None
    kind = None


def contact_form(fields: Sequence[FieldInfo], language: str, contact: ContactInfo | None = None) -> FlaskForm:
    """Return the form of a contact: address (only for a new one), core fields, declared fields (``f_<name>``), tags."""
    parts: dict[str, object] = {}
    if contact is None:
        parts["email"] = EmailField(_("E-mail address"), validators=[DataRequired()], render_kw={"autocomplete": "off"})
    attributes: Mapping[str, FieldValue] = contact.attributes if contact else {}
    for name, text in CORE_TEXTS.items():
        known = getattr(contact, name) or "" if contact else ""
        if name in _LISTS:
            parts[name] = _chosen(text, _LISTS[name](language), known)
        else:
            parts[name] = StringField(text, render_kw={"autocomplete": "off"} | _ATTRIBUTES.get(name, {}))
    editable = [field for field in fields if field.staff_may_edit]
    for field in editable:
        parts[f"f_{field.name}"] = _input(field, language, show(attributes.get(field.name)))
    parts["tags"] = StringField(_("Tags"), description=_("Separate several with commas."))
    kind = type("ContactForm", (FlaskForm,), parts)
    if contact is None:
        return kind()
    present: dict[str, object] = {name: getattr(contact, name) or "" for name in CORE_TEXTS}
    present |= {f"f_{field.name}": show(attributes.get(field.name)) for field in editable}
    return kind(data=present | {"tags": ", ".join(contact.tags)})


def contact_values(form: FlaskForm) -> dict[str, str]:
    """Return the core and declared fields of a contact form as text by name."""
    return {
        field.name.removeprefix("f_"): str(field.data or "")
        for field in form
        if field.name in CORE_TEXTS or field.name.startswith("f_")
    }


def _chosen(label: object, options: Options, known: str) -> SelectField:
    """Return a list to choose from; a value that stands already may stay, whether or not it is on the list."""
    extra = [] if not known or known in dict(options) else [(known, known)]
    return SelectField(label, choices=[("", "–"), *extra, *options], default="")


def _input(field: FieldInfo, language: str, known: str) -> StringField:
    label = field.label(language)
    if field.kind.value in _LISTS:
        return _chosen(label, _LISTS[field.kind.value](language), known)
    if field.kind is Kind.BOOLEAN:
        return SelectField(label, choices=[("", "–"), ("true", _("Yes")), ("false", _("No"))])
    if field.kind is Kind.CHOICE:
        return SelectField(label, choices=[("", "–"), *((choice, choice) for choice in field.choices)])
    return StringField(label, description=field.description or _HINTS.get(field.kind, ""))


DATE_ORDERS = {
    DateOrder.CLEAR: _("Refuse dates that could be read two ways"),
    DateOrder.DAY_FIRST: _("Day first: 31/12/2026"),
    DateOrder.MONTH_FIRST: _("Month first: 12/31/2026"),
}
