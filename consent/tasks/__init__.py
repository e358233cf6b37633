"""Jobs of permission. Importing this package declares them."""

from __future__ import annotations

from consent.tasks import ageing, anchors, archive, confirmation, figures, requests

__all__ = ["ageing", "anchors", "archive", "confirmation", "figures", "requests"]
