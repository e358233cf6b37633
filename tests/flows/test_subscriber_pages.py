"""Every page of a subscriber's own, in a browser, in both languages, with scripts and without: STANDARDS 37 and 58.

The application answers from a thread of this process on a database of its own; mails go to a real SMTP server here.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask_babel import force_locale, gettext
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text
from werkzeug.serving import make_server

from app.brands.services.set_up import BrandDetails, create_brand, create_sender, ensure_relay, set_controller
from app.core import clock, config, tokens
from app.core.config import Settings
from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address, contact
from app.customers.services import fields
from app.factory import create_app
from campaigns.models import Campaign
from consent.policy.ladder import State
from consent.queries import pauses, permissions
from consent.queries.verify import verify
from consent.services import forms, topics
from consent.services.forms import FormSpec, default_texts
from tests.consent.conftest import Mailbox
from tests.factories.tracking import add_message
from tests.flows.conftest import NewPage
from tests.flows.product import free_port

pytestmark = pytest.mark.browser
ADDRESS = "1 rue de l'Exemple, 75001 Paris"
AXE = {"rules": {"target-size": {"enabled": True}}}


class House:
    """A brand with its form, served to browsers; ``news`` and ``offers`` are topics."""

    def __init__(self, app: Flask, url: str, box: Mailbox, run_jobs: Callable[[], int]) -> None:
        self.app, self.url, self.box, self._run_jobs = app, url, box, run_jobs
        with unit_of_work() as session:
            set_controller(session, legal_name="Tea SAS", postal_address=ADDRESS, contact_email="dpo@tea.example")
            self.brand = create_brand(session, BrandDetails(name="Camellia", postal_address=ADDRESS), slug="camellia")
            sender = create_sender(session, self.brand, name="Camellia", email="letters@tea.example")
            ensure_relay(session)
            self.news = topics.create(session, self.brand, {"en": "Letter", "fr": "Lettre"})
            self.offers = topics.create(session, self.brand, {"en": "Offers", "fr": "Offres"})
            both = (self.news, self.offers)
            forms.create(session, FormSpec("Site", self.brand, both, texts=default_texts("Camellia")), slug="site")
            fields.declare(
                session, "birthday", "date", {"en": "Birthday", "fr": "Anniversaire"}, subscriber_may_edit=True
            )
            likes = {"en": "Likes", "fr": "Aime"}
            fields.declare(session, "likes", "choices", likes, choices=("tea", "coffee"), subscriber_may_edit=True)
            campaign = Campaign(
                brand_id=self.brand, topic_id=self.news, sender_id=sender, name="First flush", status="finished"
            )
            session.add(campaign)
            session.flush()
            session.execute(text("SELECT ensure_message_partition(:id)"), {"id": campaign.id})
            self.campaign = campaign.id

    def mail_for(self, address: str) -> EmailMessage:
        """Do what is due, and return the latest mail to an address."""
        self._run_jobs()
        return next(mail for mail in reversed(self.box.mails) if mail["To"] == address)

    def link_for(self, address: str, kind: str) -> str:
        """Return the link to ``/kind/…`` in the latest mail to an address."""
        part = self.mail_for(address).get_body(("plain",))
        found = re.search(rf"https?://\S+/{kind}/[\w.-]+", part.get_content() if part else "")
        assert found is not None
        return found[0]

    def footer_token(self, address: str) -> str:
        """Write a mail to somebody, and return the token of its footer."""
        with unit_of_work() as session:
            person = by_address(session, address)
            assert person is not None
            add_message(session, self.campaign, person.id, sent_at=clock.now(), language="en")
            return tokens.sign_message(tokens.Purpose.PERMISSION, self.campaign, person.id)


@pytest.fixture
def house(
    db: object, settings: Settings, monkeypatch: pytest.MonkeyPatch, run_jobs: Callable[[], int]
) -> Iterator[House]:
    """The house, its doors open."""
    box, port = Mailbox(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as free:
        smtp = free.getsockname()[1]
    mailbox = Controller(box, hostname="127.0.0.1", port=smtp)
    mailbox.start()
    url = f"http://localhost:{port}"
    here = settings.model_copy(update={"base_url": url, "smtp_url": f"smtp://127.0.0.1:{smtp}"})
    monkeypatch.setattr(config, "_current", here)
    app = create_app(here)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield House(app, url, box, run_jobs)
    server.shutdown()
    thread.join()
    mailbox.stop()


class Reader:
    """Somebody at a browser; every page that they come to is looked at."""

    def __init__(self, house: House, page: Page, language: str, scripts: bool) -> None:
        self.house, self.page, self.language, self.scripts = house, page, language, scripts
        self.page.set_viewport_size({"width": 390, "height": 844})

    def say(self, words: str, **given: object) -> str:
        """Return words of the pages in the reader's language."""
        with self.house.app.test_request_context(), force_locale(self.language):
            return str(gettext(words, **given))

    def at(self, heading: str, **given: object) -> None:
        """Expect to stand before a page, and look at it: no cookie, no fault of access, no sideways scroll."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.say(heading, **given))
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile(f"^{self.language}"))
        assert self.page.context.cookies() == []
        if self.scripts:
            found = Axe().run(self.page, options=AXE).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] != "minor"] == []
            assert not self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")

    def button(self, words: str, **given: object) -> Locator:
        return self.page.get_by_role("button", name=self.say(words, **given), exact=True)

    def press(self, words: str, **given: object) -> None:
        self.button(words, **given).click()

    def told(self, words: str, **given: object) -> None:
        """Expect a message that screen readers announce."""
        expect(self.page.get_by_role("status").filter(has_text=self.say(words, **given)).first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_row_58_a_subscribers_whole_life_meets_no_barrier(
    house: House, new_page: NewPage, language: str, scripts: bool
) -> None:
    reader = Reader(
        house, new_page(locale={"en": "en-GB", "fr": "fr-FR"}[language], scripts=scripts), language, scripts
    )
    sign_up(reader)
    footer = house.footer_token("ada@example.org")
    choose(reader, footer)
    leave(reader, footer)
    own_pages(reader, footer)
    change_address(reader)
    take_and_erase(reader)


def sign_up(reader: Reader) -> None:
    page, house = reader.page, reader.house
    clock.shift(timedelta(seconds=-3))  # people take a moment to fill in a form
    page.goto(f"{house.url}/subscribe/site")
    clock.shift(timedelta())
    page.locator("#email").fill("ada@example.org")
    for box in page.locator("input[name=topic]").all():
        box.check()
    page.locator("form button.btn-primary").click()
    reader.at("Look in your mailbox")
    page.goto(house.link_for("ada@example.org", "confirm"))
    reader.at("Confirm your subscription")
    reader.press("Confirm my subscription")
    reader.at("You are subscribed")


def choose(reader: Reader, footer: str) -> None:
    page, house = reader.page, reader.house
    page.goto(f"{house.url}/preferences/{footer}")
    reader.at("Your preferences")
    expect(page.get_by_text("ada@example.org")).to_have_count(0)
    page.locator("input[name=topic]").last.uncheck()
    page.locator("input[name=tracking]").check()
    reader.press("Save")
    reader.told("Saved. It holds from now on.")
    expect(page.locator("input[name=topic]").last).not_to_be_checked()
    page.locator("button[name=for][value='3']").click()
    reader.at("Your preferences")
    with unit_of_work() as session:
        person = by_address(session, "ada@example.org")
        assert person is not None and house.brand in pauses.of_contact(session, person.id)
    reader.press("End the pause now")
    reader.told("The pause is over.")
    page.locator("#until").fill(f"{(clock.now() + timedelta(days=40)).date()}")
    reader.press("Pause")
    expect(reader.button("End the pause now")).to_be_visible()
    reader.press("End the pause now")
    # The language that was chosen stays, without a cookie.
    other = {"en": "fr", "fr": "en"}[reader.language]
    page.locator(f"a[hreflang={other}]").click()
    page.locator(f"a[hreflang={reader.language}]").click()
    reader.at("Your preferences")


def leave(reader: Reader, footer: str) -> None:
    page, house = reader.page, reader.house
    page.goto(f"{house.url}/unsubscribe/{footer}")
    reader.at("Unsubscribe")
    by_keyboard(page, reader.button("Unsubscribe"))
    reader.at("You are unsubscribed")
    reader.press("Too many e-mails")
    reader.at("Thank you")
    page.locator("#comment").fill("Twice a day!")
    reader.press("Send")
    reader.at("Thank you")
    reader.press("That was a mistake: undo")
    reader.at("You are subscribed again")
    page.goto(f"{house.url}/unsubscribe/{footer}")
    reader.press("Unsubscribe from everything by %(brand)s", brand="Camellia")
    reader.at("You are unsubscribed")
    reader.press("That was a mistake: undo")
    reader.at("You are subscribed again")


def by_keyboard(page: Page, target: Locator) -> None:
    """Come to a button by Tab alone, seeing where one is, and press it."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            break
    expect(target).to_be_focused()
    expect(target).to_be_in_viewport()
    page.keyboard.press("Enter")


def own_pages(reader: Reader, footer: str) -> None:
    page, house = reader.page, reader.house
    page.goto(f"{house.url}/preferences/{footer}")
    reader.press("Send me a link")
    reader.at("Look in your mailbox")
    door = house.link_for("ada@example.org", "access")
    page.goto(door)
    reader.at("Your data")
    follow(reader, "Your details")
    reader.at("Your details")
    page.locator("#field-first_name").fill("Ada")
    page.locator("#field-birthday").fill("1815-12-10")
    page.locator("input[name=likes][value=tea]").check()
    page.locator("#field-language").select_option(reader.language)
    reader.press("Save")
    reader.told("Saved. It holds from now on.")
    page.goto(door)
    reader.at("Hello %(name)s", name="Ada")
    for way in ("E-mails you were sent", "All we hold, and why", "Object to all marketing"):
        page.goto(door)
        follow(reader, way)
        reader.at(way)
    page.goto(door)
    follow(reader, "What you receive from %(brand)s", brand="Camellia")
    reader.at("Your preferences")
    with unit_of_work() as session:
        person = by_address(session, "ada@example.org")
        assert person is not None
        assert person.attributes == {"birthday": "1815-12-10", "likes": ["tea"]}


def follow(reader: Reader, words: str, **given: object) -> None:
    reader.page.get_by_role("main").get_by_role("link", name=reader.say(words, **given)).first.click()


def change_address(reader: Reader) -> None:
    page, house = reader.page, reader.house
    page.goto(house.link_for("ada@example.org", "access"))
    follow(reader, "Your address")
    reader.at("Your address")
    page.locator("#email").fill("ada@")
    reader.press("Continue")
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    page.locator("#email").fill("ada@example.net")
    reader.press("Continue")
    reader.at("Look in the new mailbox")
    page.goto(house.link_for("ada@example.net", "address"))
    reader.at("Your new address")
    reader.press("Confirm my new address")
    reader.at("Your address is changed")
    told = house.mail_for("ada@example.org").get_body(("plain",))
    assert told is not None and "dpo@tea.example" in told.get_content()
    with unit_of_work() as session:
        person = by_address(session, "ada@example.net")
        assert person is not None
        assert permissions.of_contact(session, person.id)[house.news].address_key == person.address_key


def take_and_erase(reader: Reader) -> None:
    page, house = reader.page, reader.house
    page.goto(f"{house.url}/access?brand=camellia&lang={reader.language}")
    reader.at("Your data")
    page.locator("#email").fill("ada@example.net")
    reader.press("Send me a link")
    reader.at("Look in your mailbox")
    door = house.link_for("ada@example.net", "access")
    page.goto(door)
    follow(reader, "All we hold, and why")
    for kind in ("html", "csv", "json"):
        with page.expect_download() as loading:
            page.locator(f"a[href*='data.{kind}']").click()
        assert "ada@example.net" in loading.value.path().read_text("utf-8")
    page.goto(door)
    follow(reader, "Erase me")
    reader.at("Erase me")
    reader.press("Erase me")
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("input[name=sure]").check()
    reader.press("Erase me")
    reader.at("You are erased")
    assert house.mail_for("ada@example.net")["Subject"].endswith("Camellia")
    assert page.request.get(door).status == 404
    with unit_of_work() as session:
        assert by_address(session, "ada@example.net") is None
        erased = session.scalar(text("SELECT id FROM contact WHERE erased_at IS NOT NULL"))
        assert contact(session, erased).email is None
        assert {one.state for one in permissions.of_contact(session, erased).values()} == {State.WITHDRAWN}
        assert verify(session).broken is None
