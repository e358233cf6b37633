"""Steps that flows share: finding one's way, and reading what arrived."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import FrameLocator, Locator, Page, expect

from app.core import clock
from app.mail import outbox
from app.mail.outbox import OutboxMail
from tests.flows.product import Product, until

# What is opened sooner after its arrival is held for a machine's doing.
UNREAD = 3.0


def go(page: Page, name: str) -> None:
    """Follow a link of the main navigation."""
    link = page.get_by_role("complementary").get_by_role("link", name=name, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")
    page.wait_for_load_state()


def figure(page: Page, label: str) -> Locator:
    """The value of a headline figure."""
    card = page.locator(".card").filter(has=page.get_by_role("heading", name=label, exact=True))
    return card.locator(".stat-value")


def await_end(page: Page, seconds: int = 30) -> None:
    """Watch a campaign's page until all of it is sent."""
    progress = page.get_by_role("progressbar", name="Progress of the campaign")
    expect(progress).to_have_attribute("value", "100.0", timeout=seconds * 1000)


def received(product: Product, address: str, subject: str = "") -> Iterator[OutboxMail]:
    """The mails whose subject begins with ``subject`` that arrived for ``address``, newest first."""
    for mail in outbox.list_mails(product.var, address, limit=outbox.KEPT):
        if mail.subject.startswith(subject):
            yield outbox.read_mail(product.var, mail.id)


def let_lie(mail: OutboxMail) -> None:
    """Wait until somebody may be believed to have found ``mail``."""
    until(lambda: (clock.now() - mail.at).total_seconds() > UNREAD, what="the mail to lie there for a moment")


def open_mail(product: Product, page: Page, address: str, subject: str) -> FrameLocator:
    """Open the newest mail to ``address`` on the Outbox page; returns the mail as it is read."""
    until(lambda: next(received(product, address, subject), None), what=f"a mail “{subject}” to {address}")
    # The page that is left may be loading itself anew just then, which ends a visit elsewhere.
    page.wait_for_load_state("networkidle")
    page.goto(f"{product.url}/outbox?q={address}")
    page.get_by_role("link", name=subject).first.click()
    return page.frame_locator("iframe.mail-frame")
