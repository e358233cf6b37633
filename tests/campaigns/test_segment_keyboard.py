"""A segment built without a mouse: every control is reached by Tab, chosen by typing, and the count follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from app.accounts.policy import Role
from app.core.db import unit_of_work
from tests.factories.accounts import PASSWORD, make_staff
from tests.factories.customers import make_contact

pytestmark = pytest.mark.browser


def test_a_segment_by_keyboard(browser: Browser, site: str) -> None:
    make_staff(Role.MARKETER)
    with unit_of_work() as session:
        for number in range(3):
            make_contact(session, language="fr" if number else "en")
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page = context.new_page()
    page.goto(f"{site}/sign-in")
    page.fill("#email", "marketer@example.com")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/segments/new")
    count = page.locator("#segment-count .stat-value")
    expect(count).to_be_visible()

    to(page, "What condition 1 is about")
    choose(page, "Language")
    to(page, "Value of Language")
    choose(page, "French")
    expect(count).to_have_text("2")

    to(page, "Add a condition")
    page.keyboard.press("Enter")
    expect(page.get_by_label("What condition 2 is about")).to_be_focused()
    choose(page, "Number of orders")
    to(page, "How it is compared")
    choose(page, "is at least")
    to(page, "Value", exact=True)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    expect(count).to_have_text("0")

    to(page, "Which condition excludes most?")
    page.keyboard.press("Space")
    expect(page.locator("#segment-insight")).to_contain_text("excludes most")
    to(page, "Name", exact=True)
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="By keyboard", exact=True)).to_be_visible()
    context.close()


def to(page: Page, name: str, *, exact: bool = False) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " || e.labels?.[0]?.textContent.trim() || e.textContent.trim() }"
        )
        if focused == name or (not exact and focused.startswith(name)):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def choose(page: Page, option: str) -> None:
    """Type the beginning of an option of the focused select, as one does, and wait until what follows is drawn."""
    page.keyboard.type(option)
    page.keyboard.press("Tab")
    page.wait_for_load_state("networkidle")
