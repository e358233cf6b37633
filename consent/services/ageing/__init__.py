"""What time does to permission and to what is kept: upkeep with a timetable, a dry run and, where the law leaves a
choice, a switch."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _

from consent.services.ageing import expiry, purge
from consent.services.ageing.registry import Month, Unit, Upkeep, upkeeps

__all__ = ["Month", "Unit", "Upkeep", "register", "upkeeps"]


def register() -> None:
    """Offer the upkeep of this room."""
    for upkeep in (
        Upkeep(
            "expire",
            _("Permissions that expire"),
            _("Writes into the ledger that a permission has passed its time. The gates shut by the time itself."),
            timedelta(minutes=5),
            expiry.lapsed,
            expiry.expire,
        ),
        Upkeep(
            "sign_ups",
            _("Sign-ups that ended"),
            _("Deletes requests that nobody confirmed, and confirmed ones: the ledger proves those."),
            timedelta(hours=1),
            expiry.ended_sign_ups,
            expiry.forget_sign_ups,
            Unit.SIGN_UP,
        ),
        Upkeep(
            "prospects",
            _("Prospects without a sign of life"),
            _(
                "Forgets people who never bought, after the legal time without an act of theirs. Signing up, clicking,"
                " changing preferences and asking for something count; opening a mail does not (CNIL: three years)."
            ),
            timedelta(days=1),
            purge.prospects,
            purge.purge,
            months=purge.PROSPECT_MONTHS,
            optional=True,
        ),
        Upkeep(
            "customers",
            _("Former customers"),
            _(
                "Forgets people who bought once, after a time of their own without an order or another act. Their"
                " orders stay as figures, without a name."
            ),
            timedelta(days=1),
            purge.customers,
            purge.purge,
            months=purge.CUSTOMER_MONTHS,
            optional=True,
        ),
    ):
        upkeeps.add(upkeep.name, upkeep)
