"""Who may see a view. Every view wears exactly one of ``public``, ``signed_in``, ``allows``; a test scans for it.

@blueprint.get("/")
@allows(Role.VIEWER)
def index() -> str: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Response, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import CSRFProtect

from app.accounts import queries
from app.accounts.errors import NotAllowed
from app.accounts.policy import Role, session_lives
from app.accounts.queries import StaffUser
from app.accounts.services import audit
from app.core import clock, db

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
View = Callable[P, R]

# Unsafe methods carry a CSRF token; public one-click and tracking wear ``@csrf.exempt``.
csrf = CSRFProtect()


@dataclass(frozen=True)
class Access:
    """The rule a view declared. ``role`` is None when no role is asked for."""

    public: bool
    role: Role | None


def public(view: View[P, R]) -> Callable[P, ResponseReturnValue]:
    """Let everybody see this view."""
    return _declare(view, Access(public=True, role=None))


def signed_in(view: View[P, R]) -> Callable[P, ResponseReturnValue]:
    """Let every member of staff see this view."""
    return _declare(view, Access(public=False, role=None))


def allows(role: Role) -> Callable[[View[P, R]], Callable[P, ResponseReturnValue]]:
    """Let staff whose role is at least ``role`` see this view."""
    return lambda view: _declare(view, Access(public=False, role=role))


def access_of(view: Callable[..., object]) -> Access | None:
    """Return the rule ``view`` declared."""
    rule = getattr(view, "access", None)
    return rule if isinstance(rule, Access) else None


def _declare(view: View[P, R], access: Access) -> Callable[P, ResponseReturnValue]:
    if access_of(view) is not None:
        raise TypeError(f"{view.__name__} declares who may see it twice.")

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not access.public:
            user = find_user()
            if user is None:
                return _to_sign_in()
            if access.role is not None and not user.role.reaches(access.role):
                raise NotAllowed(_("Your role does not allow this. Ask an administrator if you need it."))
        return view(*args, **kwargs)

    guarded.access = access  # type: ignore[attr-defined]
    return guarded


def current_user() -> StaffUser:
    """Return who is signed in. Views behind ``signed_in`` or ``allows`` may call it."""
    user = find_user()
    if user is None:
        raise RuntimeError("Nobody is signed in: this view must not be public.")
    return user


def find_user() -> StaffUser | None:
    """Return who is signed in, or None."""
    if "user" not in g:
        g.user = _open()
        if g.user is not None:
            audit.acting(audit.Actor(g.user.id, request.remote_addr))
    user: StaffUser | None = g.user
    return user


def begin(staff_id: int, epoch: int) -> None:
    """Sign in: a new session with nothing of the old one, so that a session planted before is worth nothing."""
    now = clock.now().timestamp()
    session.clear()
    session.permanent = True
    session.update(staff=staff_id, epoch=epoch, began=now, seen=now)
    g.pop("user", None)
    g.pop("csrf_token", None)


def end() -> None:
    """Sign out."""
    session.clear()
    g.user = None


def _open() -> StaffUser | None:
    staff_id, epoch = session.get("staff"), session.get("epoch")
    if not isinstance(staff_id, int) or not isinstance(epoch, int):
        return None
    now = clock.now()
    seen = datetime.fromtimestamp(session["seen"], UTC)
    if not session_lives(now, began=datetime.fromtimestamp(session["began"], UTC), seen=seen):
        session.clear()
        return None
    # A page left open polls by itself; that is no sign of a person.
    if (now - seen).total_seconds() > 60 and "HX-Request" not in request.headers:
        session["seen"] = now.timestamp()
    with db.unit_of_work() as unit:
        return queries.open_session(unit, staff_id, epoch)


def _to_sign_in() -> Response:
    """Send to the sign-in page and back to where the person was going; htmx is told by its own header."""
    where = request.full_path.rstrip("?") if request.method == "GET" else request.referrer or ""
    if "HX-Request" in request.headers:
        where = request.headers.get("HX-Current-URL", "")
    target = url_for("sign_in.form", next=_own_path(where) or None)
    if "HX-Request" in request.headers:
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = target
        return answer
    return make_response(redirect(target))


def _own_path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def safe_next(target: str | None) -> str:
    """Return where to go after signing in: ``target`` if it is a path of this site, else the dashboard.

    Browsers take a backslash for a slash and leave out tabs and line breaks, so neither may stand in it.
    """
    if target and target.startswith("/") and target[1:2] != "/" and "\\" not in target and target.isprintable():
        return target
    return "/"
