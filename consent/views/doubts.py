"""What a form asks back about an address: meant otherwise, made to be thrown away, no mailbox there.

All of it depends on the domain alone, never on who is known here (row 62 of the standards: no enumeration).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.policy import Address, normalise
from app.customers.queries.domains import common_domains
from consent.engine.mail_domains import receives
from consent.policy import typos
from consent.views.form_page import FormPage


@dataclass(frozen=True)
class Doubt:
    """A question about ``typed``; ``suggestion`` is the address that was probably meant, or nothing."""

    typed: str
    text: str
    suggestion: str = ""


def address_of(page: FormPage) -> Address:
    """Return the address that was sent in: as typed, or as suggested when that was chosen. Raises ``InvalidInput``."""
    chosen = page.typed.get("use", "") if _asked_about_this(page) else ""
    return normalise((chosen or page.typed.get("email", ""))[:320])


def doubt(page: FormPage, address: Address) -> Doubt | None:
    """Return the question that an address raises, unless it was answered. Raises ``InvalidInput`` for an address that
    this form does not take."""
    if not receives(address.domain):
        raise InvalidInput(
            _("%(domain)s receives no mail. Check what stands after the @.", domain=address.domain), field="email"
        )
    answered = _asked_about_this(page) and bool(page.typed.get("keep") or page.typed.get("use"))
    # A mistyped provider often belongs to somebody who lies in wait there, so what was meant comes first.
    if not answered and (meant := _meant(address)):
        return Doubt(address.email, str(_("Did you mean %(address)s?", address=meant)), meant)
    if page.form.disposable == "allow" or not typos.disposable(address.domain):
        return None
    if page.form.disposable == "refuse":
        raise InvalidInput(
            _("Addresses at %(domain)s live for minutes only. Use one that you will keep.", domain=address.domain),
            field="email",
        )
    text = _("Addresses at %(domain)s live for minutes only: our mail may not reach you.", domain=address.domain)
    return None if answered else Doubt(address.email, str(text))


def _meant(address: Address) -> str:
    """Return the address that was probably meant, or nothing."""
    with unit_of_work() as session:
        domain = typos.suggestion(address.domain, common_domains(session))
    return f"{address.email.rpartition('@')[0]}@{domain}" if domain else ""


def _asked_about_this(page: FormPage) -> bool:
    """Whether the buttons under the address were about what is typed there now."""
    return bool(page.typed.get("doubted")) and page.typed.get("doubted") == page.typed.get("email", "").strip()
