"""Which campaign an order is credited to: last touch (METRICS, attribution)."""

from __future__ import annotations

from datetime import timedelta

CLICK_WINDOW = timedelta(days=5)
