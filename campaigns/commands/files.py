"""JSON files that commands read."""

from __future__ import annotations

import json
from typing import TextIO

from app.core.errors import InvalidInput


def read_json(file: TextIO) -> object:
    """Return what a JSON file holds. Raises ``InvalidInput`` with line and column."""
    try:
        return json.load(file)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{file.name}, line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file.name} is not UTF-8: save it as UTF-8.") from None
    except RecursionError:
        raise InvalidInput(f"{file.name} is nested too deeply.") from None
