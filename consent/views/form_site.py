"""Putting a form on a site: snippets to copy, a preview, and its address as a QR code."""

from __future__ import annotations

import io

import segno
from flask import Response, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import escape

from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.brands.queries import brands
from app.core import links
from app.core.db import unit_of_work
from app.customers.queries.fields import dictionary
from consent.queries import forms
from consent.queries.forms import FormInfo
from consent.views.forms import blueprint

POPUP = 'data-show="popup" data-after="8" data-exit data-again="30"'


@blueprint.get("/<int:form_id>/site")
@allows(Role.MARKETER)
def site(form_id: int) -> ResponseReturnValue:
    """Show what to copy."""
    with unit_of_work() as session:
        known = forms.form(session, form_id)
        brand = brands.brand(session, known.brand_id)
        labels = {field.name: field.label(brand.language) for field in dictionary(session)}
    link, script = links.subscribe(known.slug), links.public(f"/embed/{known.slug}.js")
    anchor = f'<a href="{link}" data-permesso>{escape(known.text("title", brand.language))}</a>'
    return render_template(
        "web/consent/form_site.html",
        known=known,
        brand=brand,
        address=link,
        inline=f'{anchor}\n<script async src="{script}"></script>',
        popup=f'{anchor}\n<script async src="{script}" {POPUP}></script>',
        plain=_plain(known, link, labels),
    )


def _plain(known: FormInfo, link: str, labels: dict[str, str]) -> str:
    core = {"first_name": _("First name"), "last_name": _("Last name")}
    further = [(name, core.get(name, labels.get(name, name))) for name in known.fields]
    lines = [
        f'<form method="post" action="{link}?source=website" accept-charset="utf-8">',
        f'  <label>{_("E-mail address")} <input type="email" name="email" autocomplete="email" required></label>',
        *(f'  <label>{escape(label)} <input name="{name}"></label>' for name, label in further),
        f"  <button>{_('Subscribe')}</button>",
        "</form>",
    ]
    return "\n".join(lines)


@blueprint.get("/<int:form_id>/preview/<any(inline, popup):show>")
@allows(Role.MARKETER)
def preview(form_id: int, show: str) -> ResponseReturnValue:
    """Show the form as another site would."""
    with unit_of_work() as session:
        known = forms.form(session, form_id)
    return render_template("web/consent/form_preview.html", known=known, show=show)


@blueprint.get("/<int:form_id>/qr.<any(svg, png):kind>")
@allows(Role.ANALYST)
def qr(form_id: int, kind: str) -> Response:
    """Return the form's address as a QR code (ISO/IEC 18004, error correction M); who comes by it has the source qr."""
    with unit_of_work() as session:
        known = forms.form(session, form_id)
    image = io.BytesIO()
    segno.make(f"{links.subscribe(known.slug)}?source=qr", error="m", micro=False).save(
        image, kind=kind, scale=8 if kind == "svg" else 20, border=4
    )
    answer = make_response(image.getvalue())
    answer.mimetype = "image/svg+xml" if kind == "svg" else "image/png"
    answer.headers["Content-Disposition"] = f'inline; filename="{known.slug}-qr.{kind}"'
    return answer
