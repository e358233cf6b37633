from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from app.brands.policy.look import ON_DARK, ON_LIGHT, READABLE, contrast, stylesheet


def pair(colour: str) -> tuple[tuple[int, int, int], ...]:
    found = re.search(r"--tblr-link-color:light-dark\(#(\w{6}),#(\w{6})\)", stylesheet(colour))
    assert found
    return tuple((int(h[:2], 16), int(h[2:4], 16), int(h[4:], 16)) for h in found.groups())


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == 21
    assert round(contrast((119, 119, 119), (255, 255, 255)), 2) == 4.48


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_every_colour_becomes_readable(colour: str) -> None:
    light, dark = pair(colour)
    assert contrast(light, ON_LIGHT) >= READABLE
    assert contrast(dark, ON_DARK) >= READABLE


def test_a_readable_colour_stays_as_it_is() -> None:
    assert pair("#0b6b74")[0] == (0x0B, 0x6B, 0x74)


def test_what_is_no_colour_cannot_enter_the_style_sheet() -> None:
    assert "evil" not in stylesheet("red;}evil{")
