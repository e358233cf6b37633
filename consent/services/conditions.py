"""Refusing a grant whose basis lacks a condition, in words that say what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.core.errors import InvalidInput
from app.customers.services.importing import BasisTerms, Condition
from consent.policy.grounds import GROUNDS, WHEN, missing
from consent.policy.ladder import Basis

# Name of a condition: what it is, and an example.
CONDITIONS: Mapping[str, Condition] = {
    condition.name: condition
    for condition in (
        Condition(
            "sale",
            lazy_gettext("what they bought, or which account they opened"),
            lazy_gettext("Order 4711, running shoes, March 2026"),
        ),
        Condition(
            "similar",
            lazy_gettext("your own similar goods or services that the mails are about"),
            lazy_gettext("Shoes and sports clothes of our shop"),
        ),
        Condition(
            "refusal",
            lazy_gettext("how they could refuse mails when the address was collected"),
            lazy_gettext("Box to tick in the checkout, screenshot of 2026-01"),
        ),
        Condition(
            "support",
            lazy_gettext("how they supported your charity or showed interest in its purposes"),
            lazy_gettext("Donation at the spring appeal 2026"),
        ),
        Condition(
            "company",
            lazy_gettext("which company or public body the address belongs to (a sole trader is a person)"),
            lazy_gettext("Example Ltd, company number 01234567"),
        ),
        Condition(
            "role",
            lazy_gettext("what the mails have to do with their role there"),
            lazy_gettext("Head of purchasing; we sell office supplies"),
        ),
        Condition(
            "told",
            lazy_gettext("how they were told, and could refuse, when the address was collected"),
            lazy_gettext("Notice beside the contact form"),
        ),
        Condition(
            "purchase", lazy_gettext("what they bought, leased or bartered"), lazy_gettext("Invoice 2026-0815, skis")
        ),
        Condition(
            "inquiry", lazy_gettext("what they asked or applied for"), lazy_gettext("Asked for a quote by telephone")
        ),
        Condition(WHEN, lazy_gettext("the day it happened"), "2026-03-31", "date"),
    )
}


def terms(basis: Basis) -> BasisTerms:
    """Return what an import that states ``basis`` has to say, for the import pages and commands."""
    conditions = tuple(CONDITIONS[name] for name in GROUNDS[basis].conditions)
    return BasisTerms(conditions, lambda stated: require(basis, stated, stated_moment(stated)))


def require(basis: Basis, stated: Mapping[str, str], at: datetime | None) -> None:
    """Raise ``InvalidInput`` naming each condition of ``basis`` that is neither stated nor, for the day, ``at``."""
    lacking = missing(basis, stated, at)
    if not lacking:
        return
    said = "; ".join(f"{name} ({CONDITIONS[name].label})" for name in lacking)
    raise InvalidInput(
        _(
            "A permission by %(basis)s cannot be recorded without its conditions. Missing: %(what)s.",
            basis=basis.value,
            what=said,
        ),
        field=lacking[0],
    )


def stated_moment(stated: Mapping[str, str]) -> datetime | None:
    """Return the day or time that is stated among conditions, None when there is none. Raises ``InvalidInput``."""
    said = stated.get(WHEN, "").strip()
    return moment(said, WHEN) if said else None


def moment(text: str, name: str) -> datetime:
    """Read a day or a time in ISO 8601; without an offset it is UTC. Raises ``InvalidInput`` under ``name``."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            _(
                "%(name)s: %(text)s is no time. Write it like 2026-03-31 or 2026-03-31T14:00+02:00.",
                name=name,
                text=text[:40],
            ),
            field=name,
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
