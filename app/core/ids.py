"""Opaque identifiers."""

from __future__ import annotations

import secrets
from pathlib import Path


def random_id(length: int = 16) -> str:
    """Return ``length`` random characters of ``[a-z2-7]``, unguessable at the default length (80 bits)."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(secrets.choice(alphabet) for _ in range(length))


def host_id(var: Path) -> str:
    """Return the lasting name of the host that owns ``var``: who may read the journals and spools under it.

    It is made at the first call and kept in ``var/host-id``. Two starts at once agree on one name, because the
    file appears by an exclusive link.
    """
    path = var / "host-id"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        draft = var / f"host-id.{random_id(8)}"
        draft.write_text(random_id(12))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
