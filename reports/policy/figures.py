"""The figures of a campaign by the names and definitions of ``docs/reference/metrics.md``, from plain counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from reports.policy.statistics import Interval, wilson

PROVISIONAL = timedelta(hours=72)  # late bounces still come in
BOUNCE_CLASSES = ("hard", "soft", "block", "undetermined")


@dataclass(frozen=True)
class Rate:
    """A rate with what it is made of; ``value``, ``low`` and ``high`` are shares of 1, None without a denominator."""

    name: str
    numerator: int
    denominator: int
    denominator_name: str

    @property
    def value(self) -> float | None:
        """The share."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % Wilson interval."""
        return self._interval.low if self._interval else None

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % Wilson interval."""
        return self._interval.high if self._interval else None

    @property
    def _interval(self) -> Interval | None:
        # Orders may be credited to a mail that bounced later: then the shares are no proportion.
        return wilson(self.numerator, self.denominator) if self.numerator <= self.denominator else None

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "denominator_name": self.denominator_name,
            "interval": None if self.low is None else [self.low, self.high],
        }


@dataclass(frozen=True)
class Counts:
    """What was counted. Opens and clicks are those of delivered messages that carried tracking."""

    recipients: int = 0
    attempted: int = 0
    sent: int = 0
    unknown: int = 0
    bounces: dict[str, int] = field(default_factory=dict)
    delivered: int = 0
    tracked_delivered: int = 0
    opens: int = 0
    opens_unique: int = 0
    human_opens_unique: int = 0
    inferred_opens: int = 0
    not_prefetched: int = 0  # tracked and delivered, mail client does not prefetch
    not_prefetched_human_opens: int = 0
    clicks: int = 0
    clicks_unique: int = 0
    untracked_clicks: int = 0
    unsubscribes: int = 0
    complaints: int = 0
    conversions: int = 0
    conversion_uniques: int = 0
    conversion_value: Decimal = Decimal(0)
    excluded: dict[str, int] = field(default_factory=dict)
    held_out: int = 0
    cancelled: int = 0


@dataclass(frozen=True)
class Figures:
    """Counts with the rates and averages they give."""

    counts: Counts
    rates: dict[str, Rate]
    average_order_value: Decimal | None
    revenue_per_recipient: Decimal | None
    provisional: bool


def figures(counts: Counts, *, launched_at: datetime | None, now: datetime) -> Figures:
    """Return the figures of a campaign. Delivery is provisional for 72 hours after launch."""
    c = counts
    bounced = sum(c.bounces.values())
    listed = (
        Rate("bounce_rate", bounced, c.attempted, "attempted"),
        Rate("delivery_rate", c.delivered, c.attempted, "attempted"),
        Rate("tracking_coverage", c.tracked_delivered, c.delivered, "delivered"),
        Rate("open_rate", c.opens_unique, c.tracked_delivered, "tracked_delivered"),
        Rate("human_open_rate", c.human_opens_unique, c.tracked_delivered, "tracked_delivered"),
        Rate("estimated_open_rate", c.not_prefetched_human_opens, c.not_prefetched, "tracked_delivered_not_prefetched"),
        Rate("click_rate", c.clicks_unique, c.tracked_delivered, "tracked_delivered"),
        Rate("click_to_open_rate", c.clicks_unique, c.human_opens_unique, "human_opens_unique"),
        Rate("unsubscribe_rate", c.unsubscribes, c.delivered, "delivered"),
        Rate("spam_complaint_rate", c.complaints, c.delivered, "delivered"),
        Rate("conversion_rate", c.conversion_uniques, c.delivered, "delivered"),
    )
    return Figures(
        counts=c,
        rates={rate.name: rate for rate in listed},
        average_order_value=_each(c.conversion_value, c.conversions),
        revenue_per_recipient=_each(c.conversion_value, c.recipients),
        provisional=launched_at is None or now - launched_at < PROVISIONAL,
    )


def _each(value: Decimal, number: int) -> Decimal | None:
    return (value / number).quantize(Decimal("0.0001")) if number else None
