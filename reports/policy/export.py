"""A report as plain data: the JSON and CSV that ``flask reports campaign`` prints and the page offers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime

from reports.policy.figures import Figures

COUNTED = (
    "recipients",
    "attempted",
    "sent",
    "unknown",
    "delivered",
    "tracked_delivered",
    "opens",
    "opens_unique",
    "human_opens_unique",
    "inferred_opens",
    "clicks",
    "clicks_unique",
    "untracked_clicks",
    "unsubscribes",
    "complaints",
    "conversions",
    "conversion_uniques",
    "held_out",
    "cancelled",
)


def to_json(figures: Figures, *, campaign_id: int, name: str, currency: str, at: datetime) -> dict[str, object]:
    """Return figures as data whose keys are the names of METRICS; money as text, so that no cent is rounded away."""
    counts = figures.counts
    money = {
        "conversion_value": counts.conversion_value,
        "average_order_value": figures.average_order_value,
        "revenue_per_recipient": figures.revenue_per_recipient,
    }
    return {
        "campaign": campaign_id,
        "name": name,
        "at": at.isoformat(),
        "provisional": figures.provisional,
        **{each: getattr(counts, each) for each in COUNTED},
        "bounces": {"total": sum(counts.bounces.values()), **counts.bounces},
        "excluded": counts.excluded,
        **{key: None if value is None else str(value) for key, value in money.items()},
        "currency": currency,
        "rates": {key: rate.to_json() for key, rate in figures.rates.items()},
    }


def to_csv(data: Mapping[str, object]) -> str:
    """Return the data of ``to_json`` as CSV: one figure a row, rates with numerator, denominator and interval."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["figure", "value", "numerator", "denominator", "denominator_name", "low", "high"])
    for key, value in data.items():
        if key == "rates" and isinstance(value, Mapping):
            for name, rate in value.items():
                low, high = rate["interval"] or ("", "")
                share = "" if rate["value"] is None else rate["value"]
                writer.writerow(
                    [name, share, rate["numerator"], rate["denominator"], rate["denominator_name"], low, high]
                )
        elif isinstance(value, Mapping):
            writer.writerows([f"{key}.{inner}", number] for inner, number in value.items())
        else:
            writer.writerow([key, _inert("" if value is None else value)])
    return out.getvalue()


def _inert(value: object) -> object:
    """Keep a campaign's name from being a formula where a spreadsheet opens the file."""
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and not isinstance(value, int | float) else value
