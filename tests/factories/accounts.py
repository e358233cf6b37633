"""Staff for tests."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.accounts.policy import Role
from app.accounts.services import staff
from app.core.db import unit_of_work

PASSWORD = "the door stands open"


def make_staff(role: Role = Role.ADMINISTRATOR, *, email: str = "", language: str = "en") -> int:
    """Create an account on the bound database; its address is ``<role>@example.com``."""
    with unit_of_work() as session:
        return staff.create(session, email or f"{role}@example.com", role.title(), PASSWORD, role, language)


def sign_in(client: FlaskClient, email: str = "administrator@example.com", password: str = PASSWORD) -> int:
    """Sign ``client`` in and return the answer's status."""
    return client.post("/sign-in", data={"email": email, "password": password}).status_code
