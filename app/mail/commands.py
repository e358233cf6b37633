"""``flask mail compile``: see what a design becomes. ``flask inbound classify``: see what came back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from app.core.cli import answer, engineless
from app.core.errors import InvalidInput
from app.mail import mime
from app.mail.content import compile_design
from app.mail.inbound import Returned, classify
from app.mail.merge import URL_FIELDS, Value
from app.mail.skeleton import Frame, build_skeleton

_LOOKED_AT = 1 << 20  # bytes of a mail that came in; more never matters


@engineless
@click.group("mail")
def mail() -> None:
    """Designs and messages."""


@mail.command("compile")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='A JSON file with one person\'s values: {"contact": {"first_name": "Ada"}, …}; without it, merge tags stay.',
)
def compile_(file: Path, data: Path | None) -> None:
    """Compile an MJML design and print {"html", "text", "links", "warnings"}."""
    try:
        source = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    design = compile_design(source, language="")
    html, text = design.html, design.text
    if data is not None:
        frame = Frame("design@example.com", "", "", "example.com", bulk=False)
        values = {
            **dict.fromkeys(URL_FIELDS, "#"),
            **_values(data),
            "to_address": "reader@example.com",
            "message_id": "preview",
            "date": mime.date_header(datetime.now(UTC)),
        }
        preview = build_skeleton(design, frame, None).preview(values)
        html, text = preview.html, preview.text
    links = [{"number": link.number, "url": link.url, "label": link.label} for link in design.links]
    answer({"html": html, "text": text, "links": links, "warnings": list(design.warnings)})


def _values(file: Path) -> dict[str, Value]:
    """Read a person's values; groups may be nested or dotted."""
    try:
        data = json.loads(file.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise InvalidInput(f"{file} must hold one JSON object with the person's values.")
    values: dict[str, Value] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            values.update({f"{name}.{inner}": _value(item) for inner, item in value.items()})
        else:
            values[name] = _value(value)
    return values


def _value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value)


@engineless
@click.group("inbound")
def inbound() -> None:
    """Mail that came in."""


@inbound.command("classify")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
def classify_(paths: tuple[Path, ...]) -> None:
    """Say what returned mails are: one JSON line a message; a folder is walked.

    {"file", "kind": bounce|complaint|autoreply|autoreply_with_failure|challenge_response|unsubscribe|reply|delivered|
    not_bounce, "recipients": [{"address", "class", "reason", "enhanced_code", "smtp_code", "suppress"}], "message_id",
    "campaign"}. Nothing is changed, and nobody is suppressed.
    """
    for path in paths:
        for file in _messages(path):
            try:
                with file.open("rb") as opened:
                    raw = opened.read(_LOOKED_AT)
            except OSError as error:
                raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
            answer({"file": str(file), **_described(classify(raw))})


def _messages(path: Path) -> Iterator[Path]:
    """Yield the files of a folder in their order, or the file itself; what is none (a pipe) is left out."""
    if not path.is_dir():
        yield path
        return
    for inner in sorted(path.iterdir()):
        if inner.is_dir() and not inner.is_symlink():
            yield from _messages(inner)
        elif inner.is_file():
            yield inner


def _described(found: Returned) -> dict[str, object]:
    described: dict[str, object] = {
        "kind": found.kind,
        "recipients": [
            {
                "address": person.address,
                "class": person.cls,
                "reason": person.reason or None,
                "enhanced_code": person.enhanced_code,
                "smtp_code": person.smtp_code and str(person.smtp_code),
                "suppress": person.suppress,
            }
            for person in found.recipients
        ],
        "message_id": found.message_id,
        "campaign": found.token and found.token.campaign_id,
    }
    return {**described, "reason": found.reason} if found.reason else described


COMMANDS = [mail, inbound]
