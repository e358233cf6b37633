"""Errors of permission.

app.core.errors.Conflict
└── NotAllowed      the ledger's rules forbid the act, e.g. a staff grant over a withdrawal
"""

from __future__ import annotations

from app.core.errors import Conflict


class NotAllowed(Conflict):
    """The ledger's rules forbid this act. Nothing was written."""
