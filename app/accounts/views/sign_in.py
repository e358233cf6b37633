"""Signing in and out, and choosing a password by a link."""

from __future__ import annotations

import hashlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import queries
from app.accounts.errors import SignInRefused
from app.accounts.forms import NewPasswordForm, SignInForm
from app.accounts.services import audit
from app.accounts.services import staff as service
from app.accounts.views import guard
from app.accounts.views.limits import limiter
from app.core.db import unit_of_work
from app.core.errors import InvalidInput

blueprint = Blueprint("sign_in", __name__)
REFUSED = 422


def _who_tries() -> str:
    """The address that is tried, from where; as a digest, because the counter is no place for addresses."""
    email = request.form.get("email", "").strip().lower()
    return hashlib.sha256(f"{email} {request.remote_addr}".encode()).hexdigest()[:32]


@blueprint.get("/sign-in")
@guard.public
def form() -> ResponseReturnValue:
    """Show the form; on a new deployment lead to the first-run page."""
    if guard.find_user():
        return redirect("/")
    with unit_of_work() as session:
        new = not queries.anyone(session)
    if new:
        return redirect(url_for("welcome.form"))
    return render_template("web/accounts/sign_in.html", form=SignInForm(next=request.args.get("next", "")))


@blueprint.post("/sign-in")
@guard.public
@limiter.limit("5 per 15 minutes", key_func=_who_tries, deduct_when=lambda answer: answer.status_code == REFUSED)
@limiter.limit("50 per 15 minutes", deduct_when=lambda answer: answer.status_code == REFUSED)
def submit() -> ResponseReturnValue:
    """Check and begin a session."""
    filled = SignInForm()
    if filled.validate():
        try:
            with unit_of_work() as session:
                found = service.sign_in(session, filled.email.data, filled.password.data)
                audit.acting(audit.Actor(found.staff_id, request.remote_addr))
                audit.record(session, "signed in", "staff", found.staff_id)
        except SignInRefused as refused:
            filled.password.errors = [*filled.password.errors, str(refused)]
        else:
            guard.begin(found.staff_id, found.epoch)
            return redirect(guard.safe_next(filled.next.data))
    return render_template("web/accounts/sign_in.html", form=filled), REFUSED


@blueprint.post("/sign-out")
@guard.public
def sign_out() -> ResponseReturnValue:
    """End this session."""
    guard.end()
    return redirect(url_for("sign_in.form"))


@blueprint.route("/set-password/<token>", methods=["GET", "POST"])
@guard.public
@limiter.limit("30 per hour", methods=["POST"])
def set_password(token: str) -> ResponseReturnValue:
    """Let the holder of a link choose a password."""
    filled = NewPasswordForm()
    with unit_of_work() as session:
        email = service.read_password_link(session, token)
    if filled.validate_on_submit():
        try:
            with unit_of_work() as session:
                found = service.set_password(session, token, filled.password.data)
        except InvalidInput as error:
            filled.password.errors = [*filled.password.errors, str(error)]
        else:
            guard.begin(found.staff_id, found.epoch)
            flash(_("Your password is set. Welcome."), "success")
            return redirect("/")
    return render_template(
        "web/accounts/set_password.html", form=filled, email=email
    ), REFUSED if filled.errors else 200
