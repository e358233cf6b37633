"""Forms of accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Email, EqualTo, Length

from app.accounts.policy import PASSWORD_LENGTH, Role
from app.core.errors import InvalidInput

ROLES = {
    Role.VIEWER: _("Viewer"),
    Role.ANALYST: _("Analyst"),
    Role.MARKETER: _("Marketer"),
    Role.ADMINISTRATOR: _("Administrator"),
}
ROLE_TEXTS = {
    Role.VIEWER: _("Sees campaigns and reports, no personal data."),
    Role.ANALYST: _("Sees contacts and reports, changes nothing."),
    Role.MARKETER: _("Designs and sends campaigns, manages contacts and topics."),
    Role.ADMINISTRATOR: _("Also manages staff, brands and settings."),
}
LANGUAGE_NAMES = [("en", "English"), ("fr", "Français")]


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Address and password."""

    email = EmailField(
        _("E-mail address"),
        validators=[DataRequired()],
        render_kw={"autocomplete": "username", "autofocus": True, "spellcheck": "false"},
    )
    password = PasswordField(_("Password"), validators=[DataRequired()], render_kw={"autocomplete": "current-password"})
    next = HiddenField()


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """One's own name and language."""

    name = StringField(_("Name"), validators=[DataRequired(), Length(max=100)], render_kw={"autocomplete": "name"})
    language = SelectField(_("Language"), choices=LANGUAGE_NAMES)


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    password = PasswordField(
        _("New password"),
        validators=[DataRequired(), Length(min=PASSWORD_LENGTH, max=200)],
        description=_("12 characters or more; a few words are easier to remember than signs."),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _("New password, again"),
        validators=[DataRequired(), EqualTo("password", _("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )


class ChangePasswordForm(NewPasswordForm):
    """A new password, vouched for by the present one."""

    present = PasswordField(
        _("Present password"), validators=[DataRequired()], render_kw={"autocomplete": "current-password"}
    )


class InviteForm(FlaskForm):  # type: ignore[misc]
    """A new colleague."""

    name = StringField(_("Name"), validators=[DataRequired(), Length(max=100)])
    email = EmailField(_("E-mail address"), validators=[DataRequired(), Email()])
    role = SelectField(_("Role"), choices=[(role.value, name) for role, name in ROLES.items()], default="marketer")
    language = SelectField(_("Language"), choices=LANGUAGE_NAMES)


def attach(form: FlaskForm, error: InvalidInput) -> None:
    """Show a service's error at the field it names; raise it again when the form has no such field."""
    if error.field is None or error.field not in form:
        raise error
    field = form[error.field]
    field.errors = [*field.errors, str(error)]
