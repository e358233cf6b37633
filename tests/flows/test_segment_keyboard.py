"""A segment built without a mouse: every control is reached by Tab, chosen by typing, and the count follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import NewPage
from tests.flows.product import Product

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("keyboard") / "var") as running:
        yield running


def test_a_segment_by_keyboard(product: Product, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{product.url}/sign-in")
    page.fill("#email", "ana@permesso.example")
    page.fill("#password", (product.var / "secrets" / "sample_password").read_text())
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.url}/")
    page.goto(f"{product.url}/segments/new")
    count = page.locator("#segment-count .stat-value")
    expect(count).to_be_visible()

    to(page, "What condition 1 is about")
    choose(page, "Language")
    to(page, "Value of Language")
    choose(page, "French")
    expect(count).not_to_have_text("0")
    french = count.inner_text()

    to(page, "Add a condition")
    page.keyboard.press("Enter")
    expect(page.get_by_label("What condition 2 is about")).to_be_focused()
    choose(page, "Number of orders")
    to(page, "How it is compared")
    choose(page, "is at least")
    to(page, "Value", exact=True)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    expect(count).not_to_have_text(french)

    to(page, "Which condition excludes most?")
    page.keyboard.press("Space")
    expect(page.locator("#segment-insight")).to_contain_text("excludes most")
    to(page, "Name", exact=True)
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="By keyboard", exact=True)).to_be_visible()


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
