"""All pages, looked at: pictures at two widths in light and dark, axe, and what the browser's console says.

    python tests/flows/pages.py http://localhost:8000 OUT_FOLDER EMAIL PASSWORD [NAME ...] [NAME=PATH ...]

``PAGES`` names them; the path of a page about one thing is found by following a link on another page. NAME=PATH adds a
public page, such as one whose address carries a token.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


@dataclass(frozen=True)
class Place:
    """A page. With ``link`` it is where the first link on ``path`` that matches this pattern leads, and ``then``."""

    name: str
    path: str
    link: str = ""
    then: str = ""
    public: bool = False


PAGES = (
    Place("sign-in", "/sign-in", public=True),
    Place("dashboard", "/"),
    Place("campaigns", "/campaigns"),
    Place("campaign-new", "/campaigns/new"),
    Place("campaign-basics", "/campaigns", r"/campaigns/\d+", "/basics"),
    Place("campaign-audience", "/campaigns", r"/campaigns/\d+", "/audience"),
    Place("campaign-content", "/campaigns", r"/campaigns/\d+", "/content"),
    Place("campaign-review", "/campaigns", r"/campaigns/\d+"),
    Place("campaign-sent", "/campaigns/1"),
    Place("explain", "/campaigns/1/explain"),
    Place("explain-person", "/campaigns/1/explain?contact=12"),
    Place("reports", "/reports"),
    Place("report", "/reports", r"/reports/campaigns/\d+"),
    Place("contacts", "/contacts"),
    Place("contact", "/contacts", r"/contacts/\d+"),
    Place("contact-edit", "/contacts", r"/contacts/\d+", "/edit"),
    Place("contact-address", "/contacts", r"/contacts/\d+", "/address"),
    Place("contact-new", "/contacts/new"),
    Place("contact-twin", "/contacts?q=boutique", r"/contacts/\d+"),
    Place("merge-choose", "/contacts", r"/contacts/\d+", "/merge"),
    Place("merge", "/contacts/duplicates", r"/contacts/\d+/merge/\d+"),
    Place("quality", "/contacts/quality"),
    Place("duplicates", "/contacts/duplicates"),
    Place("fields", "/contacts/fields"),
    Place("imports", "/contacts/imports"),
    Place("import", "/contacts/imports", r"/contacts/imports/\d+"),
    Place("segments", "/segments"),
    Place("segment", "/segments", r"/segments/\d+"),
    Place("segment-new", "/segments/new"),
    Place("people-lists", "/segments/lists"),
    Place("topics", "/topics"),
    Place("topic", "/topics", r"/topics/\d+/edit"),
    Place("topic-new", "/topics/new"),
    Place("forms", "/forms"),
    Place("form", "/forms", r"/forms/\d+"),
    Place("form-figures", "/forms", r"/forms/\d+", "/figures"),
    Place("form-site", "/forms", r"/forms/\d+", "/site"),
    Place("papers", "/forms/paper"),
    Place("paper", "/forms/paper", r"/forms/paper/\d+"),
    Place("paper-new", "/forms/paper", r"/forms/paper/new/\d+"),
    Place("form-new", "/forms/new"),
    Place("subscribe", "/forms", r"/subscribe/[\w-]+", public=True),
    Place("access", "/access", public=True),
    Place("suppressions", "/suppressions"),
    Place("suppression-lists", "/suppressions/lists"),
    Place("suppression-list", "/suppressions/lists", r"/suppressions/lists/\d+"),
    Place("statistics", "/statistics"),
    Place("ageing", "/ageing"),
    Place("ageing-dry-run", "/ageing/prospects"),
    Place("ageing-events", "/ageing/raw_events"),
    Place("requests", "/requests"),
    Place("request", "/requests", r"/requests/\d+"),
    Place("request-record", "/requests", r"/requests/\d+", "/record"),
    Place("request-new", "/requests/new"),
    Place("request-page", "/request", public=True),
    Place("outbox", "/outbox"),
    Place("mail", "/outbox", r"/outbox/[\w.-]+"),
    Place("brands", "/settings/brands"),
    Place("brand", "/settings/brands", r"/settings/brands/\d+"),
    Place("brand-new", "/settings/brands/new"),
    Place("senders", "/settings/senders"),
    Place("controller", "/settings/controller"),
    Place("staff", "/settings/staff"),
    Place("operations", "/settings/operations"),
    Place("audit", "/settings/audit"),
    Place("register", "/settings/register"),
    Place("register-print", "/settings/register/register.html"),
    Place("access", "/settings/access"),
    Place("account", "/account"),
    Place("not-found", "/no-such-page"),
)
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
# Landmarks of an error page or of a frame are no concern; colour contrast and names are.
GRAVE = ("serious", "critical")


def sign_in(context: BrowserContext, base: str, email: str, password: str) -> None:
    """Sign a browser in."""
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.fill("#email", email)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_url(f"{base}/")
    page.close()


def find(page: Page, base: str, place: Place) -> str | None:
    """Return the URL of ``place``; None when the page that should link to it does not."""
    if not place.link:
        return base + place.path
    page.goto(base + place.path)
    for anchor in page.locator("a[href]").all():
        found = re.search(rf"{place.link}$", (anchor.get_attribute("href") or "").split("?")[0])
        if found:
            return base + found.group() + place.then
    return None


def problems(page: Page) -> list[str]:
    """Return what axe finds serious or critical, and whether the page is wider than its window."""
    found = []
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in GRAVE:
            where = "; ".join(str(node["target"][0]) for node in violation["nodes"][:3])
            found.append(f"{violation['impact']}: {violation['id']} at {where}")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append("scrolls sideways")
    return found


def visit(
    browser: Browser,
    base: str,
    out: Path,
    who: tuple[str, str],
    places: Sequence[Place],
    schemes: Sequence[str] = SCHEMES,
    widths: Sequence[str] = tuple(WIDTHS),
) -> Iterator[str]:
    """Look at ``places``; yield what is wrong with them, one line each."""
    for scheme in schemes:
        for width in widths:
            size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
            context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
            stranger = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
            sign_in(context, base, *who)
            for place in places:
                page = context.new_page()
                said: list[str] = []
                url = find(page, base, place)
                if place.public:
                    page.close()
                    page = stranger.new_page()
                page.on("console", lambda m, said=said: said.append(m.text) if m.type == "error" else None)
                page.on("pageerror", lambda error, said=said: said.append(str(error)))
                if url is None:
                    yield f"{place.name}: no link to it on {place.path}"
                    continue
                answer = page.goto(url)
                page.wait_for_load_state("networkidle")
                if answer and answer.status >= 400 and place.name != "not-found":
                    said.append(f"HTTP {answer.status}")
                page.screenshot(path=out / f"{place.name}-{width}-{scheme}.png", full_page=True)
                if place.name != "not-found":
                    yield from (f"{place.name} {width} {scheme}: {text}" for text in [*said, *problems(page)])
                page.close()
            context.close()
            stranger.close()


def main() -> int:
    """Look at the pages of a running server; exit 1 when something is wrong with them."""
    base, folder, email, password, *wanted = sys.argv[1:]
    added = [Place(*name.split("=", 1), public=True) for name in wanted if "=" in name]
    places = [*(place for place in PAGES if not wanted or place.name in wanted), *added]
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    arguments = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        wrong = list(visit(browser, base.rstrip("/"), out, (email, password), places))
        browser.close()
    print("\n".join(wrong) or "Nothing is wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
