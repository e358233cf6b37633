"""Mail that comes in, as a mail server delivers it into a Maildir."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from app.core.db import unit_of_work

ADA = "p1@example.net"


def deliver(maildir: Path, raw: bytes, name: str = "1") -> Path:
    """Deliver a mail."""
    path = maildir / "new" / name
    path.write_bytes(raw)
    return path


def answer(to: str, text: str = "", *, sender: str = ADA, **headers: str) -> bytes:
    """Return an answer to a mail, without its text's quotation."""
    named = {"From": sender, "To": to, "Subject": "Re: News", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in named.items())
    return f"{head}\n{text}".encode()


def id_of(address: str = ADA) -> int:
    """Return the contact with an address."""
    with unit_of_work() as session:
        return int(session.scalar(text("SELECT id FROM contact WHERE email = :email"), {"email": address}) or 0)


def outcomes() -> list[str]:
    """Return what all mails that came in were good for, in their order."""
    with unit_of_work() as session:
        return list(session.scalars(text("SELECT outcome FROM inbound_mail ORDER BY at")))
