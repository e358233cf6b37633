"""The quality of the customer base: checks, the looks over the base that count them, probable duplicates."""

from __future__ import annotations

from app.customers.services.quality.checks import Check, domains, in_domains, quality_checks

__all__ = ["Check", "domains", "in_domains", "quality_checks"]
