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

from app.core.errors import Conflict, InvalidInput

_WAYS_OUT = {
    "draft": "it is a draft that has not been launched",
    "launching": "it is just being launched; wait a moment",
    "sending": "it is being sent",
    "paused": "it is paused",
    "finished": "it is finished",
    "cancelled": "it was cancelled, which is final",
}


class WrongState(Conflict):
    """The campaign's status does not allow this now."""

    def __init__(self, status: str, act: str) -> None:
        super().__init__(f"The campaign cannot be changed by “{act}”: {_WAYS_OUT.get(status, status)}.")
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
