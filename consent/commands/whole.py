"""``flask consent verify`` and ``anchor``: whether the ledger is whole, and what it was on a day."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from app.core.cli import answer
from app.core.db import snapshot, unit_of_work
from app.core.errors import InvalidInput, NotFound
from consent.commands.group import consent
from consent.errors import LedgerBroken
from consent.policy import anchor_file
from consent.policy.anchoring import Anchor, Check
from consent.queries import anchors, verify
from consent.services.anchors import make

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_EVERY = 5.0  # seconds between two lines of progress
_GZIP = b"\x1f\x8b"


@consent.command("verify")
@click.option(
    "--anchor",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Hold the ledger against this anchor, from `flask consent anchor --export`. Without it, against the newest"
    " one in the database.",
)
def verify_(path: Path | None) -> None:
    """Walk all chains of the ledger, the evidence and what was projected; name the first thing that is broken.

    \b
    Prints {"chains", "entries", "evidence", "permissions", "broken": null or {"contact_id", "seq", "event_id",
    "what"}, "anchor": null or its number, "ok", "seconds"}. Exits 1 when something is broken.
    """
    began = time.perf_counter()
    with snapshot() as session, _anchor_of(session, path) as anchored:
        anchor, check = anchored
        found = verify.verify(session, check, _progress())
    number = anchor.number if anchor else None
    seconds = round(time.perf_counter() - began, 2)
    answer({**asdict(found), "anchor": number, "ok": found.broken is None, "seconds": seconds})
    if found.broken is not None:
        click.echo(f"The ledger is broken{_place(found.broken)}: {found.broken.what}.", err=True)
        sys.exit(1)


def _place(broken: verify.Break) -> str:
    contact = f" at contact {broken.contact_id}" if broken.contact_id is not None else ""
    return contact + (f", entry {broken.seq}" if broken.seq is not None else "")


def _progress() -> verify.Progress:
    last = time.monotonic()

    def show(entries: int, about: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            click.echo(f"{entries:,} entries" + (f" of about {about:,}" if about > entries else ""), err=True)

    return show


@contextmanager
def _anchor_of(session: Session, path: Path | None) -> Iterator[tuple[Anchor | None, Check | None]]:
    """Return the anchor to hold the ledger against, and the check."""
    if path is None:
        anchor = anchors.latest(session)
        yield anchor, anchors.check(session, anchor.number) if anchor else None
        return
    with _reading(path) as file:
        anchor = anchor_file.read_anchor(file.readline())
        leaves = anchor_file.has_leaves(anchor, anchor_file.read_leaves(file))
    if not leaves:
        yield anchor, _kept(session, anchor)
        return
    with _reading(path) as file:
        file.readline()
        yield anchor, Check(anchor_file.read_leaves(file), anchor)


def _kept(session: Session, anchor: Anchor) -> Check:
    """Return the check for a root without leaves: which chains it stands for, the database knows."""
    try:
        kept = anchors.anchor(session, anchor.number)
    except NotFound:
        kept = None
    if kept is None or kept.seal != anchor.seal:
        what = "another one" if kept else "none"
        raise LedgerBroken(f"The database should keep anchor {anchor.number} as the file states it, and keeps {what}.")
    return anchors.check(session, anchor.number)


@contextmanager
def _reading(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as start:
        packed = start.read(2) == _GZIP
    try:
        with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as file:
            yield file
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile):
        raise InvalidInput(f"{path} is no anchor, or it is cut short.") from None


@consent.command("anchor")
@click.option(
    "--export", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write the anchor to this file."
)
@click.option("--root", is_flag=True, help="Export the root alone, a few hundred bytes, without a line for each chain.")
@click.option("--number", type=int, help="Export this anchor, made earlier, instead of making one now.")
def anchor_(path: Path | None, root: bool, number: int | None) -> None:
    """Anchor the ledger: a Merkle root over all chains as they are now, kept in the database and, better, elsewhere.

    \b
    Prints {"number", "made_at", "chains", "entries", "root", "previous", "seal"}. The file is gzip'd JSON lines when
    its name ends in .gz; `flask consent verify --anchor FILE` reads it.
    """
    if path is None and (root or number is not None):
        raise click.UsageError("--root and --number say what is exported: name the file with --export.")
    with unit_of_work() as session:
        anchor = make(session) if number is None else anchors.anchor(session, number)
    if path is not None:
        with snapshot() as session:
            _export(session, anchor, path, root)
    answer(anchor_file.stated(anchor))


def _export(session: Session, anchor: Anchor, path: Path, root: bool) -> None:
    """Write the file beside its place and move it there when it is whole and gives the root."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with gzip.open(draft, "wt", 3) if path.suffix == ".gz" else draft.open("w") as file:
            leaves = () if root else anchors.leaves_with_heads(session, anchor.number)
            file.writelines(anchor_file.lines(anchor, leaves))
        with gzip.open(draft, "rt") if path.suffix == ".gz" else draft.open() as file:
            file.readline()
            _whole(anchor, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _whole(anchor: Anchor, file: IO[str]) -> None:
    try:
        anchor_file.has_leaves(anchor, anchor_file.read_leaves(file))
    except InvalidInput:
        raise LedgerBroken(
            f"The ledger is no longer what anchor {anchor.number} holds, so its leaves cannot be written. Look with"
            " `flask consent verify`, and export a new anchor when all is well."
        ) from None
