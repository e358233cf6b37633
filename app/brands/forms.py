"""Forms of the controller, brands, senders and the first run."""

from __future__ import annotations

import unicodedata

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    ColorField,
    EmailField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.validators import URL, DataRequired, Email, Length, Optional

from app.accounts.forms import LANGUAGE_NAMES
from app.accounts.policy import PASSWORD_LENGTH
from app.brands.queries.brands import BrandInfo
from app.brands.queries.profiles import choices
from app.brands.services.set_up import BrandDetails
from app.core import clock

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY")


def zones() -> list[str]:
    """Return the time zones people look for: places, not technical names."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(zone for zone in clock.time_zones() if zone.startswith(areas))]


class ControllerForm(FlaskForm):  # type: ignore[misc]
    """The legal entity that answers for the data."""

    legal_name = StringField(
        _("Legal name"),
        validators=[DataRequired(), Length(max=200)],
        description=_("The company or association that answers for the data, as registered."),
    )
    registration = StringField(
        _("Registration"), validators=[Length(max=100)], description=_("SIREN, company number, VAT number or the like.")
    )
    postal_address = TextAreaField(_("Postal address"), validators=[DataRequired(), Length(max=500)])
    contact_email = EmailField(
        _("Contact for data protection"),
        validators=[DataRequired(), Email()],
        description=_("People write here about their data; it stands on every sign-up form."),
    )
    privacy_url = URLField(
        _("Privacy notice"), validators=[Optional(), URL()], description=_("The page that says what is done with data.")
    )


class BrandForm(FlaskForm):  # type: ignore[misc]
    """A trading name."""

    name = StringField(_("Name"), validators=[DataRequired(), Length(max=100)])
    postal_address = TextAreaField(
        _("Postal address"),
        validators=[DataRequired(), Length(max=500)],
        description=_("It stands at the foot of every mail, as the law asks."),
    )
    website = URLField(_("Website"), validators=[Optional(), URL()])
    colour = ColorField(
        _("Colour"),
        default="#0b6b74",
        description=_("Of buttons on sign-up and preference pages and in starter designs."),
    )
    language = SelectField(
        _("Language"), choices=LANGUAGE_NAMES, description=_("For people whose language is not known.")
    )
    time_zone = SelectField(_("Time zone"), choices=zones, default="Europe/Paris")
    currency = SelectField(_("Currency"), choices=CURRENCIES)
    profile = RadioField(_("Rules"), choices=choices, default="eu")
    tracking_default = BooleanField(
        _("Measure opens and clicks of people who never said whether they want that"),
        description=_(
            "Only under rules that do not ask first, as in the United States; and never people in a country whose rules"
            " do."
        ),
    )

    @classmethod
    def of(cls, brand: BrandInfo) -> BrandForm:
        """Return the form filled with what is known of ``brand``, or with what was just sent."""
        return cls(obj=brand)

    def details(self) -> BrandDetails:
        """Return what was filled in."""
        return BrandDetails(
            name=self.name.data,
            postal_address=self.postal_address.data,
            website=self.website.data or "",
            colour=self.colour.data,
            language=self.language.data,
            time_zone=self.time_zone.data,
            currency=self.currency.data,
            profile=self.profile.data,
            tracking_default=self.tracking_default.data,
        )


class SenderForm(FlaskForm):  # type: ignore[misc]
    """A From identity."""

    brand = SelectField(_("Brand"), coerce=int)
    name = StringField(
        _("Name"), validators=[DataRequired(), Length(max=100)], description=_("What people see as the sender.")
    )
    email = EmailField(_("From address"), validators=[DataRequired(), Email()])
    reply_to = EmailField(
        _("Reply-to address"), validators=[Optional(), Email()], description=_("Where answers go, if elsewhere.")
    )


def countries() -> list[tuple[str, str]]:
    """Return the countries (ISO 3166) by their names in the reader's language, after a blank."""
    names = (get_locale() or Locale("en")).territories
    known = [(code, str(name)) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    return [("", "–"), *sorted(known, key=lambda country: unicodedata.normalize("NFKD", country[1]).casefold())]


class RelayForm(FlaskForm):  # type: ignore[misc]
    """Who gets the mail to pass it on, and where: for the register of processing (GDPR 30)."""

    operator = StringField(_("Run by"), validators=[Length(max=200)])
    country = SelectField(_("Country"), choices=countries)


class FirstRunForm(FlaskForm):  # type: ignore[misc]
    """What a new deployment must know: an administrator, the controller, a first brand with its sender."""

    name = StringField(_("Your name"), validators=[DataRequired(), Length(max=100)], render_kw={"autocomplete": "name"})
    email = EmailField(
        _("Your e-mail address"), validators=[DataRequired(), Email()], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _("Password"),
        validators=[DataRequired(), Length(min=PASSWORD_LENGTH, max=200)],
        description=_("12 characters or more; a few words are easier to remember than signs."),
        render_kw={"autocomplete": "new-password"},
    )
    legal_name = StringField(
        _("Legal name"),
        validators=[DataRequired(), Length(max=200)],
        description=_("The company or association that answers for the data, as registered."),
    )
    postal_address = TextAreaField(
        _("Postal address"),
        validators=[DataRequired(), Length(max=500)],
        description=_("It stands at the foot of every mail, as the law asks."),
    )
    contact_email = EmailField(_("Contact for data protection"), validators=[DataRequired(), Email()])
    brand = StringField(
        _("Brand"), validators=[DataRequired(), Length(max=100)], description=_("The name people know you by.")
    )
    sender_email = EmailField(
        _("From address"), validators=[DataRequired(), Email()], description=_("The address your mail comes from.")
    )
    language = SelectField(_("Language"), choices=LANGUAGE_NAMES)
    time_zone = SelectField(_("Time zone"), choices=zones, default="Europe/Paris")
