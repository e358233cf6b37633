"""``flask consent archive``: the keys of the sealed archive, and its contents."""

from __future__ import annotations

import os
from pathlib import Path

import click

from app.accounts.services import audit
from app.core.cli import answer, engineless
from app.core.db import unit_of_work
from app.core.errors import Conflict, NotFound
from app.core.secrets import key_pair, open_sealed
from app.customers.policy import normalise
from consent.commands.group import consent
from consent.services.archive import sealed_for

FILE = click.Path(dir_okay=False, path_type=Path)
PRESENT = click.Path(exists=True, dir_okay=False, path_type=Path)


@consent.group("archive")
def archive() -> None:
    """Sealed proofs of people who were erased: make the keys, take a proof out, open it."""


@engineless
@archive.command("key")
@click.argument("file", type=FILE)
def key(file: Path) -> None:
    """Make a pair of keys on the controller's own machine: the private one into FILE, the public one printed.

    Give the public one to the server as ARCHIVE_PUBLIC_KEY. Keep FILE elsewhere: without it nobody opens the archive.
    """
    private, public = key_pair()
    _write(file, private.encode() + b"\n")
    answer({"private_key": str(file), "ARCHIVE_PUBLIC_KEY": public})


@archive.command("take")
@click.argument("address")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def take(address: str, folder: Path) -> None:
    """Write the sealed proofs of whoever had ADDRESS into FOLDER. They stay sealed, and in the archive."""
    with unit_of_work() as session:
        found = sealed_for(session, normalise(address).address_key)
        audit.record(session, "took", "sealed proof", detail={"files": len(found)})
    if not found:
        raise NotFound("The archive holds no proof of anybody who had this address.")
    files = [folder / f"proof-{number}.sealed" for number in range(1, len(found) + 1)]
    for file, sealed in zip(files, found, strict=True):
        _write(file, sealed)
    answer({"files": [str(file) for file in files]})


@engineless
@archive.command("open")
@click.argument("file", type=PRESENT)
@click.option("--key", "key_file", type=PRESENT, required=True, help="The private key, as made by `archive key`.")
def open_(file: Path, key_file: Path) -> None:
    """Print the proof that is sealed in FILE. Needs no database: do it where the private key is."""
    click.echo(open_sealed(key_file.read_text("utf-8", "replace"), file.read_bytes()).decode(), nl=False)


def _write(file: Path, content: bytes) -> None:
    """Write a new file that its owner alone may read."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{file} is there already: name another file.") from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
