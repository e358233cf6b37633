"""Browsers for the flows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

# As people's browsers call themselves: a robot's clicks do not count.
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PATIENCE = 30_000

NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens a page in a browser of its own; what its scripts get wrong fails the test at the end.

    Sites on the internet answer with an empty page.
    """
    expect.set_options(timeout=PATIENCE)
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(*, locale: str = "en-GB", scripts: bool = True) -> Page:
        context = browser.new_context(user_agent=FIREFOX, locale=locale, java_script_enabled=scripts)
        context.set_default_timeout(PATIENCE)
        context.route(lambda url: not url.startswith("http://localhost"), _elsewhere)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda said: wrong.append(said.text) if _is_wrong(said) else None)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, wrong


def _is_wrong(said: ConsoleMessage) -> bool:
    """A form that comes back with what is wrong in it (422) is no fault of a script, and neither is a request that a
    later one replaces: htmx tells of both as errors."""
    expected = ("status of 422", "htmx:sendAbort", "htmx:afterRequest")
    return said.type == "error" and not any(text in said.text for text in expected)


def _elsewhere(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>Elsewhere</title>")
