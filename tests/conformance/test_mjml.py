"""Designs with reference HTML: the same elements and the same visible text (remote fonts and icons left out)."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString

from app.mail.content import compile_design

PAIRS = Path(os.environ.get("CONFORMANCE_DATA", "../shared/data")) / "mjml" / "mjml-python-pairs"
# Refused on purpose (files of the server, elements of the reference's own test) or not a whole design.
REFUSED = {"mj-include-body", "custom-component", "_header", "_footer"}
CASES = sorted(file.stem for file in PAIRS.glob("*.mjml") if file.stem not in REFUSED)
pytestmark = pytest.mark.skipif(not CASES, reason=f"{PAIRS} is not there")


def shape(html: str) -> tuple[Counter[str], str]:
    """Return the element counts and the visible text."""
    # What loads fonts, with its conditional comment, is left out of both.
    html = re.sub(r"<link[^>]*>|<style[^>]*>\s*(?:@import[^;]*;\s*)*</style>", "", html)
    soup = BeautifulSoup(html, "html.parser")
    texts = [s for s in soup.find_all(string=True) if type(s) is NavigableString and not isinstance(s, Comment)]
    visible = " ".join(s for s in texts if s.parent is not None and s.parent.name not in ("style", "title", "script"))
    counts = Counter(tag.name for tag in soup.find_all(True) if tag.name != "style")
    return counts, " ".join(visible.split())


@pytest.mark.parametrize("name", CASES)
def test_html_is_as_the_reference(name: str) -> None:
    design = compile_design((PAIRS / f"{name}.mjml").read_text("utf-8"), language="")
    elements, text = shape(design.html)
    expected_elements, expected_text = shape((PAIRS / f"{name}-expected.html").read_text("utf-8"))
    assert text == expected_text
    assert elements == expected_elements
