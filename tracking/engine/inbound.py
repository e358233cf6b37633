"""Fetching mail that came in from a Maildir: each file is applied once and committed, then put away as read.

A process that dies between the two leaves a file that is known when it is read again. What cannot be applied is set
aside with the reason beside it, so that one mail never holds up the others.
"""

from __future__ import annotations

import hashlib
import os
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import OperationalError

from app.core import db, log
from app.mail.inbound import Inbound, Returned, classify, recognise
from tracking.services.inbound import receive

logger = log.get("tracking")
ROUND = 500
_PIECE = 1 << 20


def fetch(maildir: Path, most: int = ROUND) -> int:
    """Apply what is new in ``maildir``, up to ``most`` mails; return how many were put away.

    Read mails go to ``cur``, such as cannot be applied to ``refused``. A folder that is not there holds none. Raises
    ``OperationalError`` while the database is away: what is left then comes in the next round.
    """
    new = maildir / "new"
    try:
        names = sorted(islice((entry.name for entry in os.scandir(new) if not entry.name.startswith(".")), most))
    except FileNotFoundError:
        return 0
    for name in names:
        try:
            with db.unit_of_work() as session:
                outcome = receive(session, *_read(new / name))
        except OperationalError:
            raise
        except Exception as error:
            _set_aside(maildir, name, error)
        else:
            logger.info("mail_came_in", file=name, outcome=outcome or "known")
            _put_away(new / name, maildir / "cur", f"{name}:2,S")
    return len(names)


def _read(path: Path) -> tuple[bytes, Inbound, Returned]:
    """Return the digest of a whole mail, and what it is as a wish and as something that came back."""
    digest = hashlib.sha256()
    # Never through a link that somebody put there to have us read something else.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
        head = file.read(_PIECE)
        digest.update(head)
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest(), recognise(head), classify(head)


def _set_aside(maildir: Path, name: str, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"
    logger.warning("mail_set_aside", file=name, error=reason[:300])
    refused = maildir / "refused"
    _put_away(maildir / "new" / name, refused, name)
    (refused / f"{name}.reason").write_text(reason[:2000] + "\n", "utf-8")


def _put_away(path: Path, folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True, mode=0o700)
    path.rename(folder / name)
