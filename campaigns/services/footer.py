"""What every mail must show, added where a design leaves it out: why it comes, the ways out, the postal address.

CASL 11 and CAN-SPAM §5(a)(5) ask for the address, ePrivacy 13(4) and the mailbox providers for a visible way out.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from app.mail.content import Design

_LABELS = {
    "en": {"preferences_url": "Choose what you receive", "unsubscribe_url": "Unsubscribe"},
    "fr": {"preferences_url": "Choisir ce que vous recevez", "unsubscribe_url": "Se désabonner"},
}
_END = re.compile(r"</mj-body\s*>", re.I)
_NAMES = ("why", "preferences_url", "unsubscribe_url", "postal_address")


def missing(design: Design) -> list[str]:
    """Return the merge fields that a mail must show, in HTML and in text, and the design does not."""
    return [
        name
        for name in _NAMES
        if not (name in design.fields if name == "postal_address" else name in design.html and name in design.text)
    ]


def completed(mjml: str, names: Collection[str], language: str) -> str:
    """Return ``mjml`` with a last section that shows these fields; unchanged where a body has no end to put it at."""
    ends = list(_END.finditer(mjml))
    if not ends:
        return mjml
    labels = _LABELS.get(language, _LABELS["en"])
    links = [f'<a href="{{{{ {name} }}}}" style="color:#4b5563">{labels[name]}</a>' for name in labels if name in names]
    lines = [
        "{{ why }}" if "why" in names else "",
        " &nbsp;·&nbsp; ".join(links),
        "{{ brand.name }}, {{ postal_address }}" if "postal_address" in names else "",
    ]
    section = (
        '<mj-section padding="24px 0"><mj-column>'
        '<mj-text align="center" color="#4b5563" font-size="13px" line-height="1.5">'
        f"{'<br />'.join(filter(None, lines))}</mj-text></mj-column></mj-section>"
    )
    return mjml[: ends[-1].start()] + section + mjml[ends[-1].start() :]
