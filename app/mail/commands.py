"""``flask mail compile``: see what a design becomes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from app.core.cli import answer, engineless
from app.core.errors import InvalidInput
from app.mail import mime
from app.mail.content import compile_design
from app.mail.merge import URL_FIELDS, Value
from app.mail.skeleton import Frame, build_skeleton


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


COMMANDS = [mail]
