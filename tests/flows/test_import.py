"""A hundred thousand rows in a browser: looked at, tried, imported, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import NewPage
from tests.flows.product import Product
from tests.flows.steps import figure, go
from tests.flows.test_main_path import create_topic, set_up

pytestmark = pytest.mark.browser

ROWS = 100_000
PATIENCE = 120_000  # milliseconds: the whole takes some 30 seconds on two idle cores


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("import") / "var", empty=True) as running:
        yield running


def people_file(folder: Path) -> Path:
    """A file with Windows line ends, semicolons, some rows that are refused, and some people who left."""
    path = folder / "people.csv"
    with path.open("w", newline="") as out:
        out.write("E-Mail;Vorname;City;Unsubscribed at\r\n")
        for number in range(ROWS):
            address = f"person{number}@example.com" if number % 1000 else f"nobody{number}"
            left = "2024-02-03 04:05:06" if number % 100 == 1 else ""
            out.write(f"{address};Zoé {number};Town {number % 50};{left}\r\n")
    return path


def test_a_large_file_is_tried_imported_and_taken_back(product: Product, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    set_up(page, product.url)
    create_topic(page)
    upload(page, people_file(tmp_path))
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("tried: nothing was changed")).to_be_visible(timeout=PATIENCE)
    expect(figure(page, "Would be added")).to_have_text("99,900")
    expect(page.get_by_role("region", name="What would change")).to_contain_text("person1@example.com")
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_role("button", name="Undo the import")).to_be_visible(timeout=PATIENCE)
    expect(figure(page, "Added")).to_have_text("99,900")
    expect(figure(page, "May be written to")).to_have_text("98,900")
    expect(figure(page, "Refused rows")).to_have_text("100")
    take_back(page)


def upload(page: Page, path: Path) -> None:
    go(page, "Contacts")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Drop a file here").set_input_files(path)
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_text("separated by semicolons")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_label("What column Unsubscribed at becomes")).to_have_value("opted_out_at")
    page.get_by_label("What column Vorname becomes").select_option(label="First name")
    page.get_by_label("What column City becomes").select_option(label="a new field")
    page.get_by_label("What City does where there is a value").select_option(label="fills what is empty")
    page.get_by_label("Topic they agreed to").select_option(label="Tea letter · Camellia")
    page.get_by_label("How they agreed").select_option("opt_in")
    page.get_by_label("Legal basis").select_option("consent")
    page.get_by_label("Where these people come from").fill("The old shop")


def take_back(page: Page) -> None:
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("99,900 people removed")).to_be_visible(timeout=PATIENCE)
