"""The whole job in a browser, on an empty deployment: set up, sign up, import, segment, send, measure, unsubscribe."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from app.mail import outbox
from app.mail.outbox import OutboxMail
from consent.queries.verify import verify
from tests.flows import mailing
from tests.flows.conftest import NewPage
from tests.flows.product import Product, until
from tests.flows.steps import await_end, figure, go, let_lie, open_mail, received
from tracking.services.rebuild import rebuild

pytestmark = pytest.mark.browser

ADMIN = "ines@tea.example"
ADA = "ada@example.org"
PASSWORD = "camellia sinensis 1848"
PEOPLE = 50
SUBJECT = "The first flush is here, Ada"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("empty") / "var", empty=True) as running:
        yield running


def test_from_an_empty_deployment_to_the_report(product: Product, new_page: NewPage, tmp_path: Path) -> None:
    staff, stranger = new_page(), new_page(scripts=False)
    set_up(staff, product.url)
    create_topic(staff)
    form = create_form(staff)
    sign_up(stranger, form)
    confirm(product, staff, stranger)
    import_people(staff, people_file(tmp_path))
    create_segment(staff)
    design_campaign(staff)
    send_test(product, staff)
    launch(product, staff)
    read_and_click(product, staff)
    report_shows_it(staff)
    unsubscribe_and_undo(product, stranger)
    choose_preferences(product, stranger)
    one_click(product)
    look_back(product, staff)


def set_up(page: Page, url: str) -> None:
    page.goto(url)
    expect(page).to_have_url(f"{url}/welcome")
    page.get_by_label("Your name").fill("Inès Administrator")
    page.get_by_label("Your e-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Legal name").fill("Tea Example SAS")
    page.get_by_label("Postal address").fill("1 rue de l'Exemple\n75001 Paris")
    page.get_by_label("Contact for data protection").fill("privacy@tea.example")
    page.get_by_label("Brand").fill("Camellia")
    page.get_by_label("From address").fill("news@tea.example")
    page.get_by_role("button", name="Open the door").click()
    expect(page).to_have_url(f"{url}/")
    go(page, "Settings")
    page.get_by_role("link", name="Senders").click()
    page.get_by_label("Name", exact=True).fill("Camellia letters")
    page.get_by_label("From address").fill("letters@tea.example")
    page.get_by_role("button", name="Add the sender").click()
    expect(page.get_by_role("cell", name="letters@tea.example")).to_be_visible()


def create_topic(page: Page) -> None:
    go(page, "Topics")
    page.get_by_role("link", name="New topic").first.click()
    page.get_by_label("Name in English").fill("Tea letter")
    page.get_by_label("Name in French").fill("Lettre du thé")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Tea letter")).to_be_visible()


def create_form(page: Page) -> str:
    go(page, "Sign-up forms")
    page.get_by_role("link", name="New form").first.click()
    page.get_by_label("Name", exact=True).fill("Shop window")
    page.get_by_label("Tea letter").check()
    page.get_by_label("First name").check()
    page.get_by_role("button", name="Save").click()
    address = page.get_by_label("Address of the form", exact=True)
    expect(address).to_contain_text("/subscribe/")
    return address.inner_text()


def sign_up(page: Page, form: str) -> None:
    page.goto(form)
    assert page.context.cookies() == []
    expect(page.get_by_role("checkbox")).not_to_be_checked()  # measuring is asked apart, and never ticked before
    page.get_by_label("E-mail address").press_sequentially(ADA, delay=150)  # a form sent within 2 s is a robot's
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()


def confirm(product: Product, staff: Page, stranger: Page) -> None:
    mail = open_mail(product, staff, ADA, "Please confirm")
    link = mail.get_by_role("link", name="Confirm").get_attribute("href")
    assert link is not None
    stranger.goto(link)
    stranger.goto(link)
    with mailing.at_home(product), unit_of_work() as session:
        assert by_address(session, ADA) is None, "fetching the link confirmed it"
    stranger.get_by_role("button", name="Confirm my subscription").click()
    expect(stranger.get_by_role("heading", name="You are subscribed")).to_be_visible()


def people_file(folder: Path) -> Path:
    """A list as another system exports it: ``PEOPLE`` good rows, one without a usable address."""
    rows = [f"person{n}@example.net;First{n};Last{n};{n * 10};{'FR' if n % 2 else 'DE'}" for n in range(1, PEOPLE + 1)]
    path = folder / "people.csv"
    path.write_text("\n".join(["E-Mail;Given;Family;Points;Country", *rows, "nobody.example;No;One;1;FR"]))
    return path


def import_people(page: Page, file: Path) -> None:
    go(page, "Contacts")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Drop a file here").set_input_files(file)
    page.get_by_role("button", name="Upload and look at it").click()
    for column, field in (("Given", "First name"), ("Family", "Last name"), ("Points", "a new field")):
        page.get_by_label(f"What column {column} becomes").select_option(label=field)
    page.get_by_label("Topic they agreed to").select_option(label="Tea letter · Camellia")
    page.get_by_label("How they agreed").select_option("confirmed")
    page.get_by_label("Legal basis").select_option("consent")
    page.get_by_label("Where these people come from").fill("Newsletter form of the old shop")
    page.get_by_label("Where the proof is kept").fill("Confirmation log of the old shop")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("tried: nothing was changed")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(figure(page, "May be written to")).to_have_text(str(PEOPLE))
    expect(figure(page, "Refused rows")).to_have_text("1")
    expect(page.get_by_role("region", name="Refused rows")).to_contain_text("E-Mail")


def create_segment(page: Page) -> None:
    go(page, "Segments")
    page.get_by_role("link", name="New segment").first.click()
    count = page.locator("#segment-count")
    expect(count).not_to_contain_text("Counting…")
    condition(page, 1, "Points", "is at least", "200")
    expect(count.locator(".stat-value")).to_have_text("31")
    choose_anew(page.get_by_label("How many conditions"), "any")
    page.get_by_role("button", name="Add a condition").click()
    condition(page, 2, "First name", "is", "Ada")
    expect(count.locator(".stat-value")).to_have_text("32")
    page.get_by_label("Name", exact=True).fill("Friends of tea")
    page.get_by_role("button", name="Save the segment").click()
    expect(page.get_by_role("link", name="Friends of tea", exact=True)).to_be_visible()


def condition(page: Page, number: int, what: str, comparison: str, value: str) -> None:
    """Fill a condition in."""
    row = page.get_by_role("group", name=f"Condition {number}")
    choose_anew(row.get_by_label(f"What condition {number} is about"), what)
    choose_anew(row.get_by_label(f"How {what} is compared"), comparison)
    row.get_by_label(f"Value of {what}").fill(value)


def choose_anew(select: Locator, label: str) -> None:
    """Choose what makes the server draw the conditions anew, and wait until it has."""
    before = select.element_handle()
    select.select_option(label=label)
    before.wait_for_element_state("hidden")


def design_campaign(page: Page) -> None:
    go(page, "Campaigns")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("First flush")
    page.get_by_role("button", name="Save and choose the audience").click()
    page.get_by_role("group", name="Friends of tea").get_by_text("Include").click()
    expect(page.locator("#audience-count .stat-value")).to_have_text("32")
    page.get_by_role("button", name="Save and design the mail").click()
    page.locator(".card").filter(has_text="A personal letter").get_by_role("button", name="Begin with it").click()
    page.get_by_label("Subject").fill("The first flush is here, {{ contact.first_name }}")
    page.get_by_label("Preheader").fill("Picked last week")
    expect(page.frame_locator("iframe").get_by_text("Unsubscribe")).to_be_visible()
    page.get_by_role("button", name="Save and review").click()
    expect(page.get_by_text("The mail compiles")).to_be_visible()


def send_test(product: Product, page: Page) -> None:
    page.get_by_label("To", exact=True).fill("ines@tea.example, proof@tea.example")
    page.get_by_role("button", name="Send the test").click()
    until(lambda: len(outbox.list_mails(product.var, "first flush")) == 2, what="the test mails")


def launch(product: Product, page: Page) -> None:
    page.get_by_role("button", name="Send the campaign").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Send to 32 people now?")
    dialog.get_by_role("button", name="Send now").click()
    await_end(page)
    expect(figure(page, "Sent")).to_have_text("32")
    expect(figure(page, "Waiting")).to_have_text("0")


def read_and_click(product: Product, page: Page) -> None:
    """Read Ada's mail, which asks for the pixel, and click; she lets herself be measured, the others do not."""
    let_lie(next(received(product, ADA, SUBJECT)))
    read = open_mail(product, page, ADA, SUBJECT)
    with page.expect_popup() as opened:
        read.get_by_role("link", name="the whole story is here").click()
    expect(opened.value).to_have_url(re.compile(r"https://www\.example\.com/story"))
    assert "/o/" not in next(received(product, "person50@example.net", "The first flush")).html


def report_shows_it(page: Page) -> None:
    go(page, "Reports")
    page.get_by_role("link", name="First flush").click()
    rates = page.get_by_role("region", name="Rates")
    expect(rates.get_by_role("row", name="Human open rate")).to_contain_text("1 of 1")
    expect(rates.get_by_role("row", name="Click rate")).to_contain_text("1 of 1")
    clicks = page.get_by_role("region", name="Clicks by link").get_by_role("row", name="the whole story is here")
    expect(clicks.get_by_role("cell").nth(1)).to_have_text("1")


def link_of(mail: OutboxMail, kind: str) -> str:
    """Return the mail's link to ``/kind/…``."""
    found = re.search(rf'href="(http://localhost:\d+/{kind}/[^"]+)"', mail.html)
    assert found is not None, f"no link to /{kind}/"
    return found[1]


def unsubscribe_and_undo(product: Product, page: Page) -> None:
    (mail,) = received(product, ADA, SUBJECT)
    page.goto(link_of(mail, "unsubscribe"))
    page.goto(link_of(mail, "unsubscribe"))
    expect(page.get_by_text("will get no more e-mails about “Tea letter” from Camellia")).to_be_visible()
    page.get_by_role("button", name="Unsubscribe", exact=True).click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    page.get_by_role("button", name="That was a mistake: undo").click()
    expect(page.get_by_role("heading", name="You are subscribed again")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Tea letter")).to_be_visible()


def choose_preferences(product: Product, page: Page) -> None:
    (mail,) = received(product, ADA, SUBJECT)
    page.goto(link_of(mail, "preferences"))
    expect(page.get_by_text(ADA)).to_have_count(0)  # a forwarded mail tells nobody the address
    measuring = page.get_by_role("group", name="Measuring").get_by_role("checkbox")
    expect(measuring).to_be_checked()
    measuring.uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds from now on.")).to_be_visible()
    page.get_by_role("link", name="FR").click()
    expect(page.get_by_role("heading", name="Vos préférences")).to_be_visible()
    expect(page.get_by_label("Lettre du thé")).to_be_checked()
    expect(page.get_by_role("checkbox").last).not_to_be_checked()


def one_click(product: Product) -> None:
    """What a mail program does for its reader (RFC 8058)."""
    (mail,) = received(product, "person50@example.net", "The first flush")
    parsed = message_from_bytes(mail.raw, policy=policy.default)
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    request = urllib.request.Request(
        parsed["List-Unsubscribe"].partition(">")[0].strip("<"), b"List-Unsubscribe=One-Click"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200 and answer.url == request.full_url


def look_back(product: Product, page: Page) -> None:
    open_contact(page, ADA)
    timeline = page.locator("#timeline").get_by_role("listitem")
    later = ("Was sent a mail", "Opened a mail", "Clicked in a mail", "Unsubscribed from a mail")
    for title in ("Confirmed: Tea letter", *later):
        expect(timeline.filter(has_text=title)).to_be_visible()
    page.get_by_role("link", name="Why?").click()
    expect(page.get_by_role("heading", name="Sent, and accepted by the relay.")).to_be_visible()
    address = page.get_by_label("E-mail address")
    address.fill("person50@example.net")
    address.press("Enter")
    expect(page.get_by_role("definition").filter(has_text="import")).to_be_visible()
    told = product.flask("campaigns", "explain", "1", ADA)
    assert told["state"] == "sent" and told["ledger_entry"]["action"] == "confirm"
    open_contact(page, "person50@example.net")
    expect(page.locator("#permission")).to_contain_text("withdrawn")
    with mailing.at_home(product), unit_of_work() as session:
        assert verify(session).broken is None
        assert rebuild(session).total == 0


def open_contact(page: Page, address: str) -> None:
    go(page, "Contacts")
    page.get_by_label("Part of an address or a name").fill(address)
    page.get_by_role("region", name="Contacts", exact=True).get_by_role("link", name=address).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
