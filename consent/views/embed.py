"""A sign-up form for scripts on other sites: its words as JSON, and what it answers (``app/web/assets/embed.js``).

Any site may ask (CORS): there is nothing here that the hosted page does not show to everybody, and no cookie to ride
on. What is sent is taken as the hosted page takes it, with the same traps, limits and answers.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from app.accounts.views.guard import csrf, public
from app.brands.policy.look import readable
from app.customers.queries.fields import FieldInfo
from consent.views.doubts import Doubt
from consent.views.form_page import HONEYPOT, FormPage
from consent.views.taking import Answer, take

blueprint = Blueprint("embed", __name__)
AUTOCOMPLETE = {"first_name": "given-name", "last_name": "family-name"}


@blueprint.get("/embed/<slug>")
@public
def form(slug: str) -> Response:
    """Return the form's words."""
    page = FormPage(slug)
    page.count()
    return _open(_described(page))


@blueprint.post("/embed/<slug>")
@public
def send(slug: str) -> Response:
    """Take a request; answers 422 and the form with its errors when something is not right yet."""
    page = FormPage(slug, request.form)
    answer = take(page)
    if not answer.taken:
        return _open(_described(page, answer), 422)
    return _open({"taken": True, "lang": page.language, "redirect": page.form.redirect_url, **_thanks()})


def _thanks() -> dict[str, object]:
    sent = _("We have sent you an e-mail with a button. Press it to confirm: until then you get nothing else from us.")
    missing = _(
        "Nothing there after a few minutes? Look among unwanted mail. "
        "If you asked a short while ago, the first e-mail is the one that counts."
    )
    return {"title": _("Look in your mailbox"), "text": [sent, missing]}


def _open(body: dict[str, object], status: int = 200) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _described(page: FormPage, answer: Answer | None = None) -> dict[str, object]:
    form, code = page.form, page.language
    return {
        "lang": code,
        "title": form.text("title", code),
        "intro": form.text("intro", code),
        "consent": form.text("consent", code),
        "tracking": form.text("tracking", code) if form.asks_tracking else "",
        "notice": page.notice_parts,
        "topics": [
            {"id": topic.id, "name": topic.name(code), "description": topic.description(code)} for topic in page.topics
        ],
        "fields": [_field(name, page.declared.get(name), code) for name in form.fields],
        "colour": readable(page.brand.colour),
        "token": answer.token if answer else page.token(),
        "errors": dict(answer.errors) if answer else {},
        "doubt": _doubt(answer.doubt) if answer and answer.doubt else None,
        "age": _age(page.age) if page.age else None,
        "trap": HONEYPOT,
        "work": page.work,
        "say": {
            "email": _("E-mail address"),
            "optional": _("optional"),
            "topics": _("What would you like to receive?"),
            "who": _("Who asks, and what for"),
            "send": _("Subscribe"),
            "close": _("Close"),
            "trap": _("Leave this empty"),
            "failed": _("The server does not answer. Check your connection; nothing is lost, try again."),
        },
    }


def _age(age: int) -> dict[str, str]:
    return {
        "legend": _("Your age"),
        "enough": _("I am %(age)s or older", age=age),
        "younger": _("I am younger than %(age)s", age=age),
        "parent": _("If you are younger: e-mail address of a parent, who is asked first"),
    }


def _doubt(doubt: Doubt) -> dict[str, str]:
    keep = _("Keep %(address)s", address=doubt.typed)
    use = _("Use %(address)s", address=doubt.suggestion) if doubt.suggestion else ""
    return {"typed": doubt.typed, "text": doubt.text, "suggestion": doubt.suggestion, "use": use, "keep": keep}


def _field(name: str, declared: FieldInfo | None, code: str) -> dict[str, object]:
    core = {"first_name": _("First name"), "last_name": _("Last name")}
    return {
        "name": name,
        "label": declared.label(code) if declared else core.get(name, name),
        "choices": list(declared.choices) if declared and declared.choices else None,
        "autocomplete": AUTOCOMPLETE.get(name, "off"),
    }


# Sent by scripts of other sites: no cookie, nothing to forge.
csrf.exempt(send)
