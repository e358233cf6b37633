"""Jobs of permission. Importing this package declares them."""

from __future__ import annotations

from consent.tasks import access, ageing, anchors, archive, confirmation, figures, lists, requests

__all__ = ["access", "ageing", "anchors", "archive", "confirmation", "figures", "lists", "requests"]
