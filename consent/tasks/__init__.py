"""Jobs of permission. Importing this package declares them."""

from __future__ import annotations

from consent.tasks import ageing, anchors, confirmation, figures, requests

__all__ = ["ageing", "anchors", "confirmation", "figures", "requests"]
