"""Pure decisions about addresses, field values and import files."""

from __future__ import annotations

from app.customers.policy.address import Address, normalise

__all__ = ["Address", "normalise"]
