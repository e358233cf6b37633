"""From a checked MJML tree to HTML: nothing remote that the author did not ask for, styles inlined."""

from __future__ import annotations

import html
import re
import warnings
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from mjml import mjml_to_html

from app.mail.errors import DesignError

# The compiler reads MJML with the HTML parser on purpose, and so do we.
warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)

_ICONS = Path(__file__).with_name("icons")
_GOOGLE_FONTS = re.compile(r"\s*<!--\[if !mso\]><!-->\s*<link href=\"https://fonts\.[^>]*>.*?<!--<!\[endif\]-->", re.S)
_REMOTE_CSS = re.compile(r"@import\b[^;]*;?|@font-face\s*\{[^}]*\}", re.I)
_DEFAULT_ICON = re.compile(
    r"https://(?:www\.mailjet\.com/images/theme/v1/icons/ico-social/(?P<social>[a-z-]+)|i\.imgur\.com/(?P<imgur>\w+))\.png"
)
# What the four icons of MJML's accordion and carousel show.
_IMGUR = {"xTh3hln": "left", "os7o9kz": "right", "bIXv1bk": "plus", "w4uTygT": "minus"}
# MJML's own compiler writes the tables of buttons and accordions with their tbody.
_BARE_TABLE = re.compile(
    r"(<table[^>]*(?:border-collapse:separate;|class=\"mj-accordion\")[^>]*>)(\s*<tr[ >].*?</tr>\s*)(?=</table>)", re.S
)
_INDENT = re.compile(r"[ \t]*\n\s*")


def tree(guarded: str) -> BeautifulSoup:
    """Parse a design the way the compiler does."""
    return BeautifulSoup(guarded, "html.parser")


def prepare(soup: BeautifulSoup, *, preheader: str, language: str) -> None:
    """Set language and preheader, and take out what would call third parties."""
    root = soup.find("mjml")
    assert isinstance(root, Tag)
    if language and not root.get("lang"):
        root["lang"] = language
    for element in soup.find_all(["mj-font", "link"]):
        element.decompose()
    for style in soup.find_all("mj-style"):
        style.string = _REMOTE_CSS.sub("", style.get_text())
    if preheader:
        _set_preheader(soup, root, preheader)


def _set_preheader(soup: BeautifulSoup, root: Tag, preheader: str) -> None:
    head = soup.find("mj-head")
    if not isinstance(head, Tag):
        head = soup.new_tag("mj-head")
        root.insert(0, head)
    for old in head.find_all("mj-preview"):
        old.decompose()
    preview = soup.new_tag("mj-preview")
    preview.string = preheader
    head.append(preview)


def to_html(soup: BeautifulSoup, *, icons_url: str) -> str:
    """Compile a prepared tree. The tree's attributes are changed: use it for nothing else afterwards."""
    for element in soup.find_all(re.compile(r"^mj")):
        # The compiler writes attribute values as they are, so they must already be escaped.
        element.attrs = {name: html.escape(str(value)) for name, value in element.attrs.items()}
    source = soup.decode(formatter="minimal")
    try:
        compiled = str(mjml_to_html(source).html)
    except Exception as error:  # the compiler answers what it does not expect with errors of every kind
        problem = str(error).strip().split("\n")[0] or type(error).__name__
        raise DesignError(f"The design cannot be compiled ({problem}): check sizes, selectors and nesting.") from error
    compiled = _GOOGLE_FONTS.sub("", compiled)
    compiled = _DEFAULT_ICON.sub(
        lambda m: icon(m.group("social") or _IMGUR.get(m.group("imgur"), ""), icons_url), compiled
    )
    # The preview line is hidden by display:none; white on white besides is what spam filters look for.
    compiled = compiled.replace("display:none;font-size:1px;color:#ffffff;", "display:none;font-size:1px;", 1)
    return compact(_BARE_TABLE.sub(r"\1<tbody>\2</tbody>", compiled))


def compact(text: str) -> str:
    """Drop indentation, which makes a third of the compiler's output."""
    return text if "<pre" in text else _INDENT.sub("\n", text).strip() + "\n"


def icon(name: str, icons_url: str) -> str:
    """Return the address of one of our own icons, within the mail itself when no web address is known."""
    file = _ICONS / f"{name}.png"
    if not file.exists():
        file = _ICONS / "web.png"
    return f"{icons_url.rstrip('/')}/{file.name}" if icons_url else _data_url(file)


@lru_cache(maxsize=64)
def _data_url(file: Path) -> str:
    return "data:image/png;base64," + b64encode(file.read_bytes()).decode()
