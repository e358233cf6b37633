"""The French catalogue is complete: nothing missing, nothing fuzzy, nothing left over, every placeholder kept.

``pybabel extract`` and ``update`` (docs/how-to/add-a-translation.md) bring what is missing into the catalogue.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
ROOMS = ("app", "consent", "campaigns", "tracking", "reports", "templates")
KEYWORDS = dict.fromkeys(("_", "gettext", "lazy_gettext")) | dict.fromkeys(("ngettext", "lazy_ngettext"), (1, 2))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def written() -> set[str | tuple[str, ...]]:
    """All texts in code and templates."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping(file)
    found: set[str | tuple[str, ...]] = set()
    for room in ROOMS:
        for _, _, message, _, _ in extract_from_dir(ROOT / room, methods, options, KEYWORDS):
            found.add(message if isinstance(message, str) else tuple(message))
    return found


@pytest.fixture(scope="module")
def french() -> dict[str | tuple[str, ...], tuple[str, ...]]:
    """The catalogue, with every form of every text."""
    with (ROOT / "app/translations/fr/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="fr")
    assert not [message.id for message in catalogue if message.fuzzy and message.id], "fuzzy entries"
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in catalogue
        if message.id
    }


def test_every_text_is_translated(french: dict[str | tuple[str, ...], tuple[str, ...]]) -> None:
    missing = [text for text in sorted(written(), key=str) if not all(french.get(text, ("",)))]
    assert not missing


def test_nothing_is_left_over(french: dict[str | tuple[str, ...], tuple[str, ...]]) -> None:
    assert sorted(set(french) - written(), key=str) == []


def test_every_placeholder_is_kept(french: dict[str | tuple[str, ...], tuple[str, ...]]) -> None:
    for text, translations in french.items():
        source = text if isinstance(text, str) else text[-1]
        for translation in translations:
            assert set(PLACEHOLDER.findall(translation)) <= set(PLACEHOLDER.findall(source)), text
            if isinstance(text, str):
                assert set(PLACEHOLDER.findall(translation)) == set(PLACEHOLDER.findall(source)), text
