"""One's own account: name, language, password, open sessions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.forms import ChangePasswordForm, ProfileForm
from app.accounts.services import staff as service
from app.accounts.views import guard
from app.accounts.views.limits import limiter
from app.core.db import unit_of_work
from app.core.errors import InvalidInput

blueprint = Blueprint("profile", __name__, url_prefix="/account")


@blueprint.get("")
@guard.signed_in
def form() -> ResponseReturnValue:
    """Show both forms."""
    user = guard.current_user()
    return _page(ProfileForm(name=user.name, language=user.language), ChangePasswordForm(formdata=None))


@blueprint.post("")
@guard.signed_in
def save() -> ResponseReturnValue:
    """Change name and language."""
    filled = ProfileForm()
    if not filled.validate():
        return _page(filled, ChangePasswordForm(formdata=None)), 422
    with unit_of_work() as session:
        service.change_profile(session, guard.current_user().id, filled.name.data, filled.language.data)
    flash(_("Saved."), "success")
    return redirect(url_for(".form"))


@blueprint.post("/password")
@guard.signed_in
@limiter.limit("10 per hour", key_func=lambda: f"password {guard.current_user().id}")
def change_password() -> ResponseReturnValue:
    """Change the password; this session goes on, all others end."""
    user, filled = guard.current_user(), ChangePasswordForm()
    if filled.validate():
        try:
            with unit_of_work() as session:
                found = service.change_password(session, user.id, filled.present.data, filled.password.data)
        except InvalidInput as error:
            target = filled.present if error.field == "present" else filled.password
            target.errors = [*target.errors, str(error)]
        else:
            guard.begin(found.staff_id, found.epoch)
            flash(_("Your password is changed; you are signed out everywhere else."), "success")
            return redirect(url_for(".form"))
    return _page(ProfileForm(formdata=None, name=user.name, language=user.language), filled), 422


@blueprint.post("/sign-out-everywhere")
@guard.signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End all sessions of this person."""
    with unit_of_work() as session:
        service.end_sessions(session, guard.current_user().id)
    guard.end()
    return redirect(url_for("sign_in.form"))


def _page(profile: ProfileForm, password: ChangePasswordForm) -> str:
    return render_template("web/accounts/profile.html", profile=profile, password=password)
