"""``flask staff``: accounts from the command line, when nobody can sign in."""

from __future__ import annotations

import click

from app.accounts import queries
from app.accounts.policy import LANGUAGES, Role
from app.accounts.services import staff as service
from app.core import links
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import NotFound


@click.group("staff", help="Look after staff accounts.")
def staff() -> None: ...


@staff.command()
@click.argument("email")
@click.option("--name", required=True, help="As colleagues see it.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.MARKETER.value, show_default=True
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
def create(email: str, name: str, role: str, language: str) -> None:
    """Create an account for EMAIL; prints the link by which its owner chooses a password."""
    with unit_of_work() as session:
        staff_id = service.invite(session, email, name, role, language)
        answer({"id": staff_id, "link": _link(service.password_link_token(session, staff_id))})


@staff.command()
@click.argument("email")
def link(email: str) -> None:
    """Print a new link by which the owner of EMAIL chooses a password: for three days, once."""
    with unit_of_work() as session:
        for member in queries.staff(session):
            if member.email == email.strip().lower():
                answer({"id": member.id, "link": _link(service.password_link_token(session, member.id))})
                return
    raise NotFound(f"{email} has no account. `flask staff list` shows all of them.")


@staff.command("list")
def list_staff() -> None:
    """Print all accounts."""
    with unit_of_work() as session:
        members = queries.staff(session)
    answer([{"email": m.email, "name": m.name, "role": m.role.value, "active": m.active} for m in members])


def _link(token: str) -> str:
    return links.public(f"/set-password/{token}")


COMMANDS: list[click.Command] = [staff]
