"""Two contacts are merged and parted again, in a browser: with scripts, and the merge without them."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from tests.factories.accounts import PASSWORD, make_staff
from tests.factories.consent import make_brand, make_topic, permitted_contact
from tests.factories.customers import make_contact
from tests.flows.conftest import NewPage

pytestmark = pytest.mark.browser


@pytest.fixture
def pair(app: Flask) -> tuple[int, int]:
    with unit_of_work() as session:
        topic = make_topic(session, make_brand(session), "Letter")
        kept = permitted_contact(session, topic, "ada@example.com", first_name="Ada", last_name="Lovelace")
        return kept, make_contact(session, "ada.l@example.org", first_name="Augusta", last_name="Lovelace")


def sign_in(page: Page, url: str) -> None:
    make_staff()
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill("administrator@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


@pytest.mark.parametrize("scripts", [True, False])
def test_merge_and_undo(new_page: NewPage, site: str, pair: tuple[int, int], scripts: bool) -> None:
    kept, other = pair
    page = new_page(scripts=scripts)
    sign_in(page, site)
    page.goto(f"{site}/contacts/{kept}")
    page.get_by_role("link", name="Merge…").click()
    search = page.get_by_role("searchbox")
    search.fill("ada.l")
    search.press("Enter")
    page.get_by_role("link", name="ada.l@example.org").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    expect(page.get_by_role("row", name="Letter")).to_contain_text("Never permitted this topic")
    if scripts:
        assert [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")] == []
    page.get_by_role("radio", name="Augusta").check()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name="Augusta Lovelace")).to_be_visible()
    merged = page.get_by_role("region", name="Merged contacts").or_(page.locator("section", has_text="Merged contacts"))
    expect(merged.first).to_contain_text("ada.l@example.org")
    if not scripts:
        return  # undoing asks in a dialog first, as every act of weight does for staff
    merged.first.get_by_role("button", name="Undo").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    with unit_of_work() as session:
        assert contact(session, other).merged_into is None
