"""The number in the permission links of a welcome mail.

Such a link names the mail it came with by a campaign's number (``app.core.tokens``). A welcome mail belongs to no
campaign but to a form; its number lies above those of campaigns, so that links, ledger and one-click work alike.
"""

from __future__ import annotations

FIRST = 0x70000000  # campaigns count up from 1, and the ledger's column ends at 0x7fffffff


def number_of(form_id: int) -> int:
    """Return the number that stands in the links of a form's welcome mail."""
    return FIRST + form_id


def form_of(number: int) -> int | None:
    """Return the form whose welcome mail has this number; None for a campaign."""
    return number - FIRST if number > FIRST else None
