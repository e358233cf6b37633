"""Errors of permission.

app.core.errors.UserError
├── Conflict
│   └── NotAllowed      the ledger's rules forbid the act, e.g. a staff grant over a withdrawal
└── CrossSite           a form of ours was sent from somebody else's page
"""

from __future__ import annotations

from app.core.errors import Conflict, UserError


class NotAllowed(Conflict):
    """The ledger's rules forbid this act. Nothing was written."""


class CrossSite(UserError):
    """A form of ours was sent from somebody else's page."""

    status = 403
