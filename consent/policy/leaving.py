"""The reasons for leaving that people may choose from, and how long what they said stays theirs."""

from __future__ import annotations

from datetime import timedelta

REASONS = ("too_many", "not_relevant", "not_expected", "no_longer", "never_asked", "other")
LONGEST_COMMENT = 1000  # characters
PERSONAL = timedelta(days=365)  # then only the count stays
