"""Who may do what: four roles, each including the ones below it; and when a session ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
LANGUAGES = ("en", "fr")
PASSWORD_LENGTH = 12


class Role(StrEnum):
    """Roles, the least first. An analyst sees people's data and reports, a marketer changes and sends."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    MARKETER = "marketer"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """Place in the order of roles, 0 for the least."""
        return list(Role).index(self)

    def reaches(self, least: Role) -> bool:
        """Say whether this role includes ``least``."""
        return self.rank >= least.rank


def highest(roles: list[Role]) -> Role:
    """Return the highest of ``roles``, the least role when there is none."""
    return max(roles, key=lambda role: role.rank, default=Role.VIEWER)


def session_lives(now: datetime, *, began: datetime, seen: datetime) -> bool:
    """Say whether a session that began and was last used at these times still counts."""
    return now - seen < IDLE and now - began < LONGEST


class Look(StrEnum):
    """In which way a member of staff saw personal data."""

    OPENED = "opened"  # the pages of one person
    LISTED = "listed"  # a list, a search, a sample
    EXPORTED = "exported"  # a file with data of one person or of many
    PROVED = "proved"  # the proof of one person's permissions
    EXPLAINED = "explained"  # why one person did or did not get a mail
    PREVIEWED = "previewed"  # a mail with a person's data in it
    IMPORTED = "imported"  # rows of an uploaded file
    REQUEST = "request"  # a data subject's request
    MAIL = "mail"  # the local outbox
