"""The outbox: mails that the local sink kept. It is there only while the sink is what mail goes to."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core import config
from app.core.config import Settings
from app.mail import outbox
from app.web.security import content_policy

blueprint = Blueprint("outbox", __name__, url_prefix="/outbox")
PAGE = 50
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def in_use(settings: Settings) -> bool:
    """Say whether mail goes to the local sink, which left its port beside its mails."""
    try:
        port = (outbox.folder_of(settings.var) / "port").read_text().strip()
    except OSError:
        return False
    return settings.smtp_url == f"smtp://127.0.0.1:{port}"


@blueprint.get("")
@allows(Role.MARKETER)
@shows_people(Look.MAIL)
def index() -> ResponseReturnValue:
    """List the mails, newest first."""
    var, query = config.current().var, request.args.get("q", "")
    offset = max(0, request.args.get("offset", 0, type=int))
    mails = outbox.list_mails(var, query, offset, PAGE + 1)
    saw(people=len(mails[:PAGE]))
    return render_template(
        "web/outbox/index.html",
        mails=mails[:PAGE],
        query=query,
        count=outbox.count_mails(var, query),
        newer=url_for(".index", q=query, offset=max(0, offset - PAGE)) if offset else "",
        older=url_for(".index", q=query, offset=offset + PAGE) if len(mails) > PAGE else "",
    )


@blueprint.get("/<mail_id>")
@allows(Role.MARKETER)
@shows_people(Look.MAIL)
def mail(mail_id: str) -> ResponseReturnValue:
    """Show one mail: as it looks, as text, as source."""
    saw(people=1)
    shown = request.args.get("show", "html")
    found = outbox.read_mail(config.current().var, mail_id)
    if shown == "html" and not found.html:
        shown = "text"
    source = found.raw.decode("utf-8", "replace") if shown == "source" else ""
    return render_template("web/outbox/mail.html", mail=found, shown=shown, source=source, sandbox=SANDBOX)


@blueprint.get("/<mail_id>/html")
@allows(Role.MARKETER)
@shows_people(Look.MAIL)
def html(mail_id: str) -> Response:
    """Return the mail's own HTML under a policy of its own: its styles and images, no scripts, links in a new tab."""
    saw(people=1)
    found = outbox.read_mail(config.current().var, mail_id)
    answer = make_response('<base target="_blank">' + found.html)
    answer.headers["Content-Security-Policy"] = content_policy(
        default_src="'none'",
        img_src="* data:",
        style_src="'unsafe-inline'",
        font_src="*",
        form_action="'none'",
        sandbox=SANDBOX,
    )
    return answer


@blueprint.get("/<mail_id>/source")
@allows(Role.MARKETER)
@shows_people(Look.MAIL)
def download(mail_id: str) -> Response:
    """Return the very bytes of the mail, to be kept as a file."""
    saw(people=1)
    answer = make_response(outbox.read_mail(config.current().var, mail_id).raw)
    answer.mimetype = "message/rfc822"
    answer.headers["Content-Disposition"] = f'attachment; filename="{mail_id}.eml"'
    return answer
