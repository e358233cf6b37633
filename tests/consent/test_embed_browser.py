"""Forms in a real browser: on our page, and by the script on another origin under that site’s own strict policy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.core.db import unit_of_work

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(ours: str) -> Iterator[Callable[[str], str]]:
    """Somebody else's site: give it the snippet, get the address of a page that holds it."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            policy = f"default-src 'none'; script-src {ours}; connect-src {ours}; form-action {ours}; style-src 'none'"
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(pages.get(self.path, "<title>x</title>").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def page(snippet: str) -> str:
        name = f"/{len(pages)}"
        filler = "<p>Tea.</p>" * 200
        pages[name] = f'<!doctype html><html lang="en"><title>Shop</title><main><h1>Tea</h1>{snippet}{filler}</main>'
        return f"http://127.0.0.1:{server.server_port}{name}"

    yield page
    server.shutdown()


def snippet(ours: str, **options: str) -> str:
    given = " ".join(f'data-{name}="{value}"' for name, value in options.items())
    link = f'<a href="{ours}/subscribe/home" data-permesso>Subscribe to our news</a>'
    return f'{link}\n<script async src="{ours}/embed/home.js" {given}></script>'


def sign_ups() -> list[tuple[object, ...]]:
    with unit_of_work() as session:
        return [
            tuple(row)
            for row in session.execute(text("SELECT email, tracking, source, referrer FROM sign_up ORDER BY id"))
        ]


def test_the_form_stands_in_a_page_under_a_strict_policy(
    page: Page, ours: str, shop: Callable[[str], str], at_once: None
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(shop(snippet(ours, source="footer")))
    page.get_by_label("E-mail address").fill("not one")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("alert").first).to_contain_text("not a valid e-mail address")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    assert page.get_by_role("checkbox", checked=True).count() == 0
    assert page.get_by_role("button", name="Subscribe").evaluate("e => getComputedStyle(e).backgroundColor") != ""
    assert (
        page.locator(".permesso").evaluate("e => getComputedStyle(e.shadowRoot.querySelector('.card')).padding")
        == "24px"
    )
    grave = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [violation["id"] for violation in grave] == []
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("News").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("status")).to_contain_text("Look in your mailbox")
    assert sign_ups() == [("ada@example.com", False, "footer", "127.0.0.1")]
    assert page.context.cookies() == []
    # What answered 422 is written to the console by the browser itself.
    assert [text for text in said if "422" not in text] == []


def test_the_pop_up_is_a_dialog_that_remembers_being_closed(page: Page, ours: str, shop: Callable[[str], str]) -> None:
    address = shop(snippet(ours, show="popup", after="0", again="7"))
    page.goto(address)
    dialog = page.get_by_role("dialog", name="News from Maison Exemple")
    expect(dialog).to_be_visible()
    for _ in range(12):  # the focus stays inside
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.className === 'permesso'"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_function("localStorage.getItem('permesso:home')")
    days = page.evaluate("(Number(localStorage.getItem('permesso:home')) - Date.now()) / 864e5")
    assert 6.9 < days < 7.1
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Subscribe to our news").click()  # whoever asks for it gets it
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def test_the_pop_up_waits_for_the_reader_to_scroll(page: Page, ours: str, shop: Callable[[str], str]) -> None:
    page.goto(shop(snippet(ours, show="popup", scroll="50")))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_on_a_phone_the_page_stays_to_be_seen_and_closing_is_in_reach(
    page: Page, ours: str, shop: Callable[[str], str]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(shop(snippet(ours, show="popup", after="0")))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box, close = dialog.bounding_box(), page.get_by_role("button", name="Close").bounding_box()
    assert box is not None and close is not None
    assert box["y"] >= 844 * 0.2 and box["width"] <= 390
    assert close["width"] >= 44 and close["height"] >= 44 and close["y"] >= box["y"]
    page.mouse.click(100, 50)
    expect(dialog).to_have_count(0)


def test_without_script_the_link_and_the_plain_form_lead_to_our_page(
    browser: object, ours: str, shop: Callable[[str], str], at_once: None
) -> None:
    plain = (
        f'<form method="post" action="{ours}/subscribe/home?source=website">'
        '<label>E-mail address <input type="email" name="email"></label><button>Subscribe</button></form>'
    )
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(shop(snippet(ours) + plain))
    expect(page.get_by_role("link", name="Subscribe to our news")).to_be_visible()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("One more step")).to_be_visible()
    assert sign_ups() == []
    page.get_by_label("News").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    assert sign_ups() == [("ada@example.com", False, "website", "127.0.0.1")]
    context.close()


def test_the_link_stays_where_the_server_does_not_answer(page: Page, ours: str, shop: Callable[[str], str]) -> None:
    page.route(f"{ours}/embed/home?*", lambda route: route.abort())
    page.goto(shop(snippet(ours)))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("link", name="Subscribe to our news")).to_be_visible()


def test_a_flooded_forms_work_is_done_unseen(
    page: Page, ours: str, shop: Callable[[str], str], at_once: None, flooded: None
) -> None:
    page.goto(f"{ours}/subscribe/home")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("News").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    # The script's own way needs a secure context for its cryptography, as most sites are.
    page.goto(shop(snippet(ours)).replace("127.0.0.1", "localhost"))
    page.get_by_label("E-mail address").fill("bob@example.com")
    page.get_by_label("News").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("status")).to_contain_text("Look in your mailbox")
    assert [row[0] for row in sign_ups()][-2:] == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_form_asks_back_is_readable_and_reachable_by_keyboard(
    page: Page, ours: str, at_once: None, scheme: str
) -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET age_country = 'FR', disposable = 'warn'"))
    typed = f"ada@{'gmial.com'}"
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{ours}/subscribe/home")
    page.locator("#email").fill(typed)
    page.get_by_label("News").check()
    page.get_by_label("I am 15 or older").check()
    page.get_by_role("button", name="Subscribe").click()
    grave = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in grave] == []
    page.locator("#email").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Use ada")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # keeps what was typed
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    assert [row[0] for row in sign_ups()] == [typed]
