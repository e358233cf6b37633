"""``/request`` in a real browser: both languages, with scripts and without, from the keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.core.db import unit_of_work
from consent.policy.requests import Kind
from consent.queries import requests

pytestmark = pytest.mark.browser
WORDS = {
    "en-GB": ("Erase my data", "Your name", "The e-mail address we write to", "Postal address", "Send the request"),
    "fr-FR": (
        "Effacer mes données",
        "Votre nom",
        "L’adresse e-mail à laquelle nous écrivons",
        "Adresse postale",
        "Envoyer la demande",
    ),
}
AFTERWARDS = {"en-GB": "Thank you", "fr-FR": "Merci"}


def grave(page: Page) -> list[str]:
    return [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("locale", list(WORDS))
def test_anybody_may_ask(browser: Browser, ours: str, at_once: None, locale: str, scripts: bool) -> None:
    erase, name, email, postal, send = WORDS[locale]
    context = browser.new_context(locale=locale, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{ours}/request")
    page.get_by_label(erase).check()
    page.get_by_label(name).fill("Ada Lovelace")
    page.get_by_label(email).fill("ada@example.com")
    page.get_by_role("button", name=send).press("Enter")
    # No way to reach the person: said, and nothing of what was typed is lost.
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label(name)).to_have_value("Ada Lovelace")
    expect(page.get_by_label(erase)).to_be_checked()
    if scripts:
        assert grave(page) == []
    page.get_by_label(postal).fill("12 St James's Square, London")
    page.get_by_role("button", name=send).press("Enter")
    expect(page.get_by_role("heading", name=AFTERWARDS[locale])).to_be_visible()
    if scripts:
        assert grave(page) == []
    assert context.cookies() == []
    context.close()
    with unit_of_work() as session:
        [found] = requests.page_of(session)
    assert (found.kind, found.language, found.name) == (Kind.ERASURE, locale[:2], "Ada Lovelace")
