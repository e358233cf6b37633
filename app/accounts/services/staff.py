"""Staff accounts: making and closing them, roles, passwords, signing in."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.accounts.errors import SignInRefused
from app.accounts.models import RoleGrant, Staff
from app.accounts.policy import LANGUAGES, Role
from app.accounts.services import audit, passwords
from app.core import clock, tokens
from app.core.errors import Conflict, InvalidInput, InvalidToken, NotFound

LINK_LIVES = 3 * 24 * 3600


@dataclass(frozen=True)
class SignedIn:
    """Who signed in, and the epoch that the session is bound to."""

    staff_id: int
    epoch: int


def create(session: Session, email: str, name: str, password: str, role: Role | str, language: str = "en") -> int:
    """Create an account and return its id. Raises ``InvalidInput`` (bad value), ``Conflict`` (address taken)."""
    passwords.check_strength(password, email=email, name=name)
    return _create(session, email, name, passwords.hash_password(password), Role(role), language)


def invite(session: Session, email: str, name: str, role: Role | str, language: str = "en") -> int:
    """Create an account without a password; its owner chooses one by ``password_link``. Returns its id."""
    return _create(session, email, name, passwords.unusable(), Role(role), language)


def _create(session: Session, email: str, name: str, password_hash: str, role: Role, language: str) -> int:
    email, name = email.strip().lower(), name.strip()
    if "@" not in email:
        raise InvalidInput(_("%(value)s is not an e-mail address.", value=email), field="email")
    if not name:
        raise InvalidInput(_("The name is missing: it is shown to colleagues and in the audit trail."), field="name")
    _check_language(language)
    if session.scalar(select(Staff.id).where(Staff.email == email)) is not None:
        raise Conflict(_("%(email)s has an account already.", email=email))
    member = Staff(email=email, name=name, password_hash=password_hash, language=language)
    session.add(member)
    session.flush()
    session.add(RoleGrant(staff_id=member.id, role=role.value))
    audit.record(session, "created", "staff", member.id, detail={"role": role.value})
    return member.id


def sign_in(session: Session, email: str, password: str) -> SignedIn:
    """Check an address and a password. Raises ``SignInRefused`` with one text for every reason, in the same time."""
    member = session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    right = passwords.matches(password, member.password_hash if member else None)
    if member is None or not right or not member.active:
        raise SignInRefused(_("This address and password do not belong together. Check both and try again."))
    if passwords.is_old(member.password_hash):
        member.password_hash = passwords.hash_password(password)
    member.signed_in_at = clock.now()
    return SignedIn(member.id, member.session_epoch)


def change_password(session: Session, staff_id: int, present: str, new: str) -> SignedIn:
    """Change one's own password; all other sessions end. Raises ``InvalidInput``."""
    member = _member(session, staff_id)
    if not passwords.matches(present, member.password_hash):
        raise InvalidInput(_("This is not your present password."), field="present")
    return _set_password(session, member, new)


def change_profile(session: Session, staff_id: int, name: str, language: str) -> None:
    """Change one's own name and language."""
    _check_language(language)
    member = _member(session, staff_id)
    member.name, member.language = name.strip() or member.name, language


def change_role(session: Session, staff_id: int, role: Role | str) -> None:
    """Give another role for all brands. Raises ``Conflict`` when no administrator would be left."""
    member, role = _member(session, staff_id), Role(role)
    if role is not Role.ADMINISTRATOR:
        _keep_an_administrator(session, member)
    session.execute(delete(RoleGrant).where(RoleGrant.staff_id == staff_id))
    session.add(RoleGrant(staff_id=staff_id, role=role.value))
    audit.record(session, "changed role", "staff", staff_id, detail={"role": role.value})


def deactivate(session: Session, staff_id: int) -> None:
    """Close an account and end its sessions; what its owner did stays on record."""
    member = _member(session, staff_id)
    _keep_an_administrator(session, member)
    member.active = False
    member.session_epoch += 1
    audit.record(session, "deactivated", "staff", staff_id)


def activate(session: Session, staff_id: int) -> None:
    """Open a closed account again."""
    _member(session, staff_id).active = True
    audit.record(session, "activated", "staff", staff_id)


def end_sessions(session: Session, staff_id: int) -> None:
    """Sign a person out everywhere."""
    _member(session, staff_id).session_epoch += 1
    audit.record(session, "ended sessions", "staff", staff_id)


def password_link_token(session: Session, staff_id: int) -> str:
    """Return the token of a link by which a person chooses a password: for three days, once."""
    member = _member(session, staff_id)
    audit.record(session, "made a password link", "staff", staff_id)
    return tokens.sign_timed(tokens.Purpose.SET_PASSWORD, {"staff": member.id, "epoch": member.session_epoch})


def read_password_link(session: Session, token: str) -> str:
    """Return the address that a password link is for. Raises ``InvalidToken``."""
    return _by_link(session, token).email


def set_password(session: Session, token: str, password: str) -> SignedIn:
    """Set the password that the holder of a link chose; the link is then used up. Raises ``InvalidToken``."""
    return _set_password(session, _by_link(session, token), password)


def _set_password(session: Session, member: Staff, password: str) -> SignedIn:
    passwords.check_strength(password, email=member.email, name=member.name)
    member.password_hash = passwords.hash_password(password)
    member.session_epoch += 1
    audit.record(session, "changed password", "staff", member.id)
    return SignedIn(member.id, member.session_epoch)


def _by_link(session: Session, token: str) -> Staff:
    payload = tokens.read_timed(tokens.Purpose.SET_PASSWORD, token, max_age=LINK_LIVES)
    member = session.get(Staff, payload["staff"])
    if member is None or not member.active or member.session_epoch != payload["epoch"]:
        raise InvalidToken()
    return member


def _member(session: Session, staff_id: int) -> Staff:
    member = session.get(Staff, staff_id)
    if member is None:
        raise NotFound(_("This account does not exist."))
    return member


def _keep_an_administrator(session: Session, member: Staff) -> None:
    # Row locks of all administrators: two of them demoting each other at once must not both succeed.
    administrators = session.scalars(
        select(Staff.id)
        .join(RoleGrant, RoleGrant.staff_id == Staff.id)
        .where(RoleGrant.role == Role.ADMINISTRATOR.value, RoleGrant.brand_id.is_(None), Staff.active)
        .with_for_update()
    ).all()
    if list(administrators) == [member.id]:
        raise Conflict(_("This is the last administrator: make someone else one first."))


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise InvalidInput(_("%(value)s is not one of the languages: en, fr.", value=language), field="language")


def count(session: Session) -> int:
    """Return how many accounts there are."""
    return session.scalar(select(func.count()).select_from(Staff)) or 0
