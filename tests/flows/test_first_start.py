"""The newcomer's first minutes: the sample workspace, its draft sent, its mail read, its report moving, every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.mail import outbox
from tests.flows.conftest import NewPage
from tests.flows.pages import PAGES, visit
from tests.flows.product import Product
from tests.flows.steps import await_end, figure, go, let_lie, open_mail, received

pytestmark = pytest.mark.browser

ANA = "ana@permesso.example"
DRAFT = "Carnet de décembre"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("sample") / "var") as running:
        yield running


def password(product: Product) -> str:
    return (product.var / "secrets" / "sample_password").read_text().strip()


def test_a_newcomer_sends_the_draft_and_sees_the_report_move(product: Product, new_page: NewPage) -> None:
    page = new_page(locale="fr-FR")  # the door speaks the visitor's language, the house that of its people
    page.goto(product.url)
    page.get_by_label("Adresse e-mail").fill(ANA)
    page.get_by_label("Mot de passe").fill(password(product))
    page.get_by_role("button", name="Se connecter").click()
    go(page, "Campaigns")
    sent = send_draft(page)
    assert outbox.count_mails(product.var) == sent
    read_and_click(product, page)
    report_moves(page)


def send_draft(page: Page) -> int:
    """Send the sample's draft, watch it leave, and return how many mails it was."""
    page.get_by_role("link", name=DRAFT).click()
    page.get_by_role("button", name="Send the campaign").click()
    page.get_by_role("dialog").get_by_role("button", name="Send now").click()
    await_end(page, seconds=120)
    return int(re.sub(r"\D", "", figure(page, "Sent").inner_text()))


def read_and_click(product: Product, page: Page) -> None:
    """Read the mail of somebody who lets themselves be measured, and follow its button."""
    mail = next(mail for mail in received(product, "") if "/o/" in mail.html)
    let_lie(mail)
    read = open_mail(product, page, mail.envelope_to[0], mail.subject)
    with page.expect_popup() as opened:
        read.get_by_role("link", name="Réserver le mien").click()
    expect(opened.value).to_have_url(re.compile("/avent"))


def report_moves(page: Page) -> None:
    go(page, "Reports")
    page.get_by_role("link", name=DRAFT).click()
    rates = page.get_by_role("region", name="Rates")
    for rate in ("Human open rate", "Click rate"):
        expect(rates.get_by_role("row", name=rate)).to_contain_text(re.compile(r"\b1 of \d"))
    page.goto(f"{page.url}?lang=fr")
    expect(page.get_by_role("region", name="Taux")).to_contain_text(re.compile(r"\b1 sur \d"))


def test_every_page_is_sound(product: Product, browser: Browser, tmp_path: Path) -> None:
    who = (ANA, password(product))
    wrong = list(visit(browser, product.url, tmp_path, who, PAGES, schemes=("light",), widths=("phone",)))
    assert not wrong, "\n".join(wrong)
