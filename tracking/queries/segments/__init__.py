"""Conditions of segments on what only this room knows: clicks on links, and orders."""

from campaigns.queries.segments import conditions
from tracking.queries.segments import clicks, orders


def register() -> None:
    """Offer the conditions to the segments of ``campaigns``."""
    for kind in (clicks.CONDITION, orders.CONDITION):
        conditions.add(kind.key, kind)
