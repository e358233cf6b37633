"""Errors of permission.

app.core.errors.UserError
├── Conflict
│   ├── NotAllowed      the ledger's rules forbid the act, e.g. a staff grant over a withdrawal
│   └── LedgerBroken    the ledger is less than an anchor says it was
└── CrossSite           a form of ours was sent from somebody else's page
"""

from __future__ import annotations

from app.core.errors import Conflict, UserError


class NotAllowed(Conflict):
    """The ledger's rules forbid this act. Nothing was written."""


class LedgerBroken(Conflict):
    """The ledger, or the table of its anchors, is not what an anchor says it was."""


class CrossSite(UserError):
    """A form of ours was sent from somebody else's page."""

    status = 403
