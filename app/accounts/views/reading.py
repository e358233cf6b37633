"""Views that show personal data wear ``shows_people``: each look of a member of staff is written to the access log.

    @blueprint.get("/<int:contact_id>")
    @allows(Role.ANALYST)
    @shows_people(Look.OPENED)
    def page(contact_id: int) -> str: ...

The argument ``contact_id`` of a view is noted by itself; a view that shows others says whom by ``saw``. An answer that
shows nobody leaves no line. The line is written before the answer leaves: no look without a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue

from app.accounts.policy import Look
from app.accounts.services import access
from app.core.db import unit_of_work

P = ParamSpec("P")


@dataclass
class _Seen:
    """What the view said so far about whom it shows."""

    contact_ids: list[int] = field(default_factory=list)
    people: int | None = None
    subject: str = ""
    subject_id: int | None = None


def shows_people(look: Look) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Write every answer of this view that shows people to the access log."""

    def wrap(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def logged(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            seen = g.seen = _Seen()
            if isinstance(given := kwargs.get("contact_id"), int):
                seen.contact_ids.append(given)
            answer = make_response(view(*args, **kwargs))
            if _shows(answer) and (seen.contact_ids or seen.people or seen.subject):
                _write(look, seen)
            return answer

        logged.look = look  # type: ignore[attr-defined]
        return logged

    return wrap


def saw(
    contact_ids: Iterable[int] = (), *, people: int | None = None, subject: str = "", subject_id: int | None = None
) -> None:
    """Say whom this answer shows: contacts, or how many people when they are no contacts or more than can be named;
    ``subject`` is what they stand in, such as "import" 4, and "base" alone is everybody."""
    seen: _Seen = g.seen
    seen.contact_ids += contact_ids
    seen.people = people if people is not None else seen.people
    if subject:
        seen.subject, seen.subject_id = subject, subject_id


def look_of(view: Callable[..., object]) -> Look | None:
    """Return how ``view`` shows people; None when it shows none."""
    return getattr(view, "look", None)


def _shows(answer: Response) -> bool:
    """A redirect shows nobody; a form that is shown again with its errors does."""
    return answer.status_code < 300 or answer.status_code == 422


def _write(look: Look, seen: _Seen) -> None:
    with unit_of_work() as session:
        access.record(
            session,
            look,
            request.endpoint or "",
            contact_ids=seen.contact_ids,
            people=seen.people,
            subject=seen.subject,
            subject_id=seen.subject_id,
        )
