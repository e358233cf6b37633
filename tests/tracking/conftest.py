"""What tests of tracking share with those of campaigns: a relay that keeps what it accepts."""

from __future__ import annotations

from tests.campaigns.conftest import relay

__all__ = ["relay"]
