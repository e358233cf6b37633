"""What stands behind a User-Agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.policy import clients
from tracking.policy.classify import Label, own

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Outlook-iOS/711.3061168.prod.iphone",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 380.0",
        "The Bat! 9.1",
        "Postbox/7.0",
        "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/1.1.1",
        "SEMC-Browser/4.0.3 Profile/MIDP-2.0 Configuration/CLDC-1.1",
        f"{CHROME} coccocbrowser/141.0",
    ],
)
def test_people(agent: str) -> None:
    assert clients.family_of(agent) not in (clients.CRAWLER, clients.NO_AGENT, clients.BARE)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"{CHROME} (compatible; SomeScanner/1.0; +https://scanner.example.com)",
        "python-requests/2.32",
        "curl/8.5.0",
        "Barracuda Sentinel (EE)",
        "Nokia6820/2.0 Profile/MIDP-1.0 Configuration/CLDC-1.0 (compatible; Googlebot-Mobile/2.1)",
        "Mozilla/5.0 (compatible; Example Browser; +https://browser.example.com)",
    ],
)
def test_machines(agent: str) -> None:
    assert clients.family_of(agent) == clients.CRAWLER


def test_row_69_apple_prefetch_is_its_own_class_and_proxies_are_people() -> None:
    bare = clients.family_of("Mozilla/5.0")
    assert own("open", "GET", bare, "", 60).label == Label.PREFETCH
    assert own("click", "GET", bare, "", 60).label == Label.MACHINE
    for agent in (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "YahooCacheSystem; YahooWebServiceClient",
    ):
        assert own("open", "GET", clients.family_of(agent), "", 60) == (Label.HUMAN, "image_proxy")
        assert clients.device_of(agent) == ""


def test_row_70_a_machine_shows_by_how_it_asks() -> None:
    family = clients.family_of(CHROME)
    assert own("click", "HEAD", family, "", 60) == (Label.MACHINE, "head")
    assert own("click", "GET", family, "prefetch", 60) == (Label.MACHINE, "prefetch_header")
    assert own("click", "GET", family, "", 1) == (Label.MACHINE, "too_fast")
    assert own("click", "GET", family, "", 60) == (Label.HUMAN, "")


@given(st.text(max_size=600))
def test_any_agent_has_a_family(agent: str) -> None:
    assert clients.family_of(agent)
