"""Errors of campaigns.

UserError
├── Conflict
│   ├── WrongState        the campaign's status does not allow this now
│   └── EditConflict      somebody else saved it in the meantime
└── InvalidInput
    ├── LaunchRefused     something keeps the campaign from being launched; says all of it
    └── SegmentError      a condition of a segment cannot be understood; says which and why
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.core.errors import Conflict, InvalidInput

_WHY_NOT = {
    "draft": lazy_gettext("This cannot be done: the campaign is a draft that has not been launched."),
    "launching": lazy_gettext("This cannot be done yet: the campaign is just being launched. Wait a moment."),
    "sending": lazy_gettext("This cannot be done: the campaign is being sent."),
    "paused": lazy_gettext("This cannot be done: the campaign is paused."),
    "finished": lazy_gettext("This cannot be done: the campaign is finished."),
    "cancelled": lazy_gettext("This cannot be done: the campaign was cancelled, which is final."),
}


class WrongState(Conflict):
    """The campaign's status does not allow this now."""

    def __init__(self, status: str, act: str) -> None:
        super().__init__(str(_WHY_NOT[status]))
        self.current, self.act = status, act


class LaunchRefused(InvalidInput):
    """Something keeps the campaign from being launched. ``obstacles`` are sentences, each with its way out."""

    def __init__(self, obstacles: list[str]) -> None:
        super().__init__(" ".join(obstacles))
        self.obstacles = obstacles


class SegmentError(InvalidInput):
    """A condition of a segment cannot be understood. ``position`` counts as people do (``2.1``), ``path`` is JSON's."""

    def __init__(self, problem: str, *, position: str, path: str) -> None:
        where = _("Condition %(position)s (%(path)s): ", position=position, path=path) if position else ""
        super().__init__(where + problem, field=path)
        self.problem, self.position, self.path = problem, position, path


class EditConflict(Conflict):
    """Somebody else saved the thing in the meantime. ``at`` is when."""

    def __init__(self, at: datetime) -> None:
        super().__init__(
            _("Somebody else changed this in the meantime. Load the page again to see it; your change was not saved.")
        )
        self.at = at
