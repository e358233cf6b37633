"""What is looked for in the base: each check is a segment, so who is found can be seen, kept and worked on.

Higher rooms add checks of what only they know. A check's segment may depend on the base: which of its domains are
mistyped is found by looking at each domain once, not at each address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.registries import Registry
from app.customers.models import Contact
from app.customers.policy.address import Normaliser

Definition = dict[str, object]

# Mailboxes of a function, not of a person (RFC 2142, and what is common).
ROLES = (
    "abuse accounting accueil admin administrator billing bonjour compta comptabilite contact enquiries facturation "
    "hello help helpdesk hostmaster hr info jobs kontakt mail marketing news no-reply noreply office orders postmaster "
    "press rh root sales secretariat security service spam support team vente webmaster"
).split()
MOST_DOMAINS = 1000  # as many as a condition of a segment takes


@dataclass(frozen=True)
class Check:
    """Something that may be wrong. ``section`` is ``address``, ``gap`` or ``response``; ``advice`` says what to do.

    ``segment(session)`` returns the definition of the people concerned, None when there is certainly nobody.
    """

    section: str
    title: object
    advice: object
    icon: str
    segment: Callable[[Session], Definition | None]


quality_checks: Registry[Check] = Registry("checks of the base's quality")


def domains(session: Session) -> list[str]:
    """Return every domain of an address in the base, the most used first."""
    person = select(Contact.domain).where(Contact.domain.is_not(None), Contact.erased_at.is_(None))
    return list(session.scalars(person.group_by(Contact.domain).order_by(func.count().desc(), Contact.domain)))


def in_domains(found: Iterable[str]) -> Definition | None:
    """Return the segment of the people with an address in one of these domains."""
    listed = list(found)[:MOST_DOMAINS]
    return {"field": "domain", "op": "in", "value": listed} if listed else None


def _unreachable(session: Session) -> Definition | None:
    receives = Normaliser()
    return in_domains(domain for domain in domains(session) if not receives.reaches(domain))


def _roles(session: Session) -> Definition:
    return {"any": [{"field": "email", "op": "starts_with", "value": f"{role}@"} for role in ROLES]}


def _empty(*names: str) -> Callable[[Session], Definition]:
    leaves = [{"field": name, "op": "is_empty"} for name in names]
    return lambda _session: {"all": leaves}


def _never_engaged(session: Session) -> Definition:
    return {"all": [{"engagement": "received", "op": "did"}, {"engagement": "opened", "op": "did_not"}]}


for _name, _check in {
    "unreachable": Check(
        "address",
        _("Addresses that cannot work"),
        _("Their domain receives no mail. Correct them, or let them go."),
        "mail-x",
        _unreachable,
    ),
    "roles": Check(
        "address",
        _("Addresses of a function"),
        _("Several people may read info@ or sales@: who consented? Ask for a personal address."),
        "users",
        _roles,
    ),
    "no_address": Check(
        "gap", _("No address"), _("They can be known, and not written to."), "mail-off", _empty("email")
    ),
    "no_name": Check(
        "gap",
        _("No name"),
        _("A greeting falls back to its default for them."),
        "user",
        _empty("first_name", "last_name"),
    ),
    "no_language": Check(
        "gap",
        _("Language unknown"),
        _("They get the language of the brand."),
        "language",
        _empty("language"),
    ),
    "no_country": Check(
        "gap",
        _("Country unknown"),
        _("The brand's rules of permission alone decide for them."),
        "world",
        _empty("country"),
    ),
    "no_source": Check(
        "gap",
        _("Provenance unknown"),
        _("You must be able to say where somebody's data is from (GDPR 14): find out, or let them go."),
        "help",
        _empty("source"),
    ),
    "never_engaged": Check(
        "response",
        _("Never opened anything"),
        _("They got tracked mail and opened none. Ask once more whether they want it, then stop."),
        "mail-pause",
        _never_engaged,
    ),
}.items():
    quality_checks.add(_name, _check)
