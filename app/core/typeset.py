"""Documents on paper: a Typst template and JSON become a PDF.

What people wrote reaches the template as data, never as markup, so nothing in it is ever carried out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import typst

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "print"


def pdf(template: str, data: Mapping[str, object], made_at: datetime) -> bytes:
    """Return the PDF that ``templates/print/<template>.typ`` makes of ``data``, dated ``made_at``.

    Scripts that the built-in fonts lack are drawn by fonts of the system; without those the signs are left out.
    """
    given = {"data": json.dumps(data, ensure_ascii=False, default=str)}
    made = typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=_fonts(),
        sys_inputs=given,
        timestamp=made_at.replace(microsecond=0),
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True)
