"""What a client is, from its User-Agent and address: a family, a device, a class of network.

Only these derived words are stored. Families are few on purpose: what a marketer asks is which program reads the
mail, and the classifier asks whether a person stands behind it.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from functools import lru_cache
from typing import NamedTuple

from crawlerdetect import CrawlerDetect

# Families the classifier knows by name.
NO_AGENT, BARE, CRAWLER, GMAIL_PROXY, YAHOO_PROXY = "none", "bare", "crawler", "gmail-proxy", "yahoo-proxy"

# Image proxies of mailbox providers fetch when a person opens, and hide where the person is.
_PROXIES = (("googleimageproxy", GMAIL_PROXY), ("yahoomailproxy", YAHOO_PROXY), ("yahoocachesystem", YAHOO_PROXY))

# Programs that people read mail or follow links with, and that lists of crawlers sometimes hold for robots.
_PEOPLE = (
    ("outlook-ios", "outlook"),
    ("outlook-android", "outlook"),
    ("outlook-express", "outlook"),
    ("microsoft office", "office"),
    ("ms-office", "outlook"),
    ("microsoft outlook", "outlook"),
    ("thunderbird", "thunderbird"),
    ("appstore; apple/", "office"),
    ("media center pc", "internet-explorer"),
    (" cfnetwork/", "apple-mail"),
)

# Mail programs and readers that say nothing but their name.
_MAIL_PROGRAMS = re.compile(
    r"^(?:airmail|alpine|apple mail|balsa|barca(?:pro)?|becky|blue ?mail|canary mail|claws(?: mail)?|courier|cyrus"
    r"|em ?client|entourage|eudora|evolution|fairemail|foxmail|geary|gmx mail|gnus|hamster|hey|incredimail|inky|k-?9"
    r"|kmail|kontact|lotus-?notes|mail\.ru|mailbird|mailmate|mailspring|mimestream|monazilla|mutt|neomutt|newton"
    r"|novell groupwise|office 365|opera mail|pegasus|poco(?:mail)?|polymail|postbox|proton ?mail|rainloop|roundcube"
    r"|spark|sparrow|spicebird|superhuman|sylpheed|the bat|tutanota|unibox|webmail|windows ?live|windows mail"
    r"|yahoo ?mobile|ymail|zimbra|zoho ?mail)\b"
)
# Browsers by their own word, on phones and televisions and in terminals, unless a robot's word stands there too.
_BROWSERS = re.compile(
    r"browser|profile/midp|configuration/cldc|netfront|openwave|mosaic|voyager|^(?:(?:xchaos_)?arachne|dillo|e?links|lynx|netsurf|w3m|amaya|xbmc|kodi)\b"
)
_ROBOTS = re.compile(r"bot\b|bot[/-]|crawl|spider|scan|monitor|agent|proxy|\+https?:|electron|compatible;|kit\b")
# Parts of real browsers' names that lists of crawlers take for robots'.
_ADDED = re.compile(r"qqdownload [\d.]+;?|coc_?coc\w*(?:/[\d.]+)?")

# Whoever gives an address to ask about itself is a program; so is what names no system that a person could sit at.
_SELF_DESCRIBED = re.compile(r"https?://(?!bsalsa)|[a-z]@[a-z]|\[at\]|www\.|synthetic|monitor|scanner|selenium")
_SYSTEMS = re.compile(
    r"windows|win\d|win 9x|mac|darwin|linux|x11|android|iphone|ipad|ipod|cros|bsd|sunos|amiga|beos|os/2|haiku|risc"
    r"|symbian|series ?[4-9]0|blackberry|bb10|playstation|nintendo|xbox|tizen|web0s|kaios|maemo|nokia|samsung|\blg|sony"
    r"|\bhtc|huawei|motorola|\bmot-|j2me|brew|palm|kindle|silk|roku|tv|opera mini|qtver"
)

# The first match names the family: most browsers also carry the names of those they imitate.
_FAMILIES = (
    ("msoffice", "outlook"),
    ("outlook-ios", "outlook"),
    ("outlook-android", "outlook"),
    ("airmail", "airmail"),
    ("edg/", "edge"),
    ("edge/", "edge"),
    ("edga/", "edge"),
    ("edgios/", "edge"),
    ("opr/", "opera"),
    ("opera", "opera"),
    ("samsungbrowser", "samsung"),
    ("fxios", "firefox"),
    ("firefox", "firefox"),
    ("crios", "chrome"),
    ("chromium", "chrome"),
    ("chrome/", "chrome"),
    ("trident", "internet-explorer"),
    ("msie ", "internet-explorer"),
    ("version/", "safari"),
    ("applewebkit", "apple-mail"),  # WebKit without the word Safari: the mail programs of Apple
)

# From the providers' own records: 17.0.0.0/8 is Apple's; Google's are those of _netblocks.google.com.
_NETWORKS = tuple(
    (ipaddress.ip_network(block), name)
    for name, blocks in {
        "apple": ("17.0.0.0/8", "2620:149::/32", "2a01:b740::/32"),
        "google": (
            "64.233.160.0/19",
            "66.102.0.0/20",
            "66.249.64.0/19",
            "72.14.192.0/18",
            "74.125.0.0/16",
            "108.177.8.0/21",
            "173.194.0.0/16",
            "209.85.128.0/17",
            "216.58.192.0/19",
            "216.239.32.0/19",
            "2001:4860::/32",
        ),
    }.items()
    for block in blocks
)


class Client(NamedTuple):
    """What is stored of a client; unknown is an empty word."""

    family: str
    device: str  # phone, tablet, desktop
    network: str  # apple, google, private


NOBODY = Client("", "", "")


class _Crawlers:
    """The list of crawlers, compiled at the first question (some 20 ms), asked by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._detector: CrawlerDetect | None = None

    def knows(self, agent: str) -> bool:
        with self._lock:
            if self._detector is None:
                self._detector = CrawlerDetect()
            return bool(self._detector.isCrawler(agent))


_crawlers = _Crawlers()


@lru_cache(maxsize=65_536)
def family_of(agent: str) -> str:
    """Return the family of a User-Agent."""
    text = agent.strip().lower()
    if not text:
        return NO_AGENT
    for mark, family in _PROXIES:
        if mark in text:
            return family
    if text == "mozilla/5.0":
        return BARE
    for mark, family in _PEOPLE:
        if mark in text:
            return family
    if _MAIL_PROGRAMS.search(text):
        return "mail-program"
    person = _BROWSERS.search(text) is not None and not _ROBOTS.search(text)
    if not person and (_SELF_DESCRIBED.search(text) or _crawlers.knows(_ADDED.sub("", text))):
        return CRAWLER
    for mark, family in _FAMILIES:
        if mark in text:
            return family
    return "other" if person or _SYSTEMS.search(text) else CRAWLER


@lru_cache(maxsize=65_536)
def device_of(agent: str) -> str:
    """Return the class of device of a User-Agent: phone, tablet, desktop, or nothing."""
    text = agent.lower()
    if any(mark in text for mark, _ in _PROXIES):
        return ""
    if "ipad" in text or "tablet" in text or ("android" in text and "mobile" not in text):
        return "tablet"
    if "iphone" in text or "mobile" in text or "outlook-ios" in text or "outlook-android" in text:
        return "phone"
    if "windows nt" in text or "macintosh" in text or "x11" in text or "linux" in text:
        return "desktop"
    return ""


@lru_cache(maxsize=65_536)
def network_of(address: str) -> str:
    """Return the class of the network that ``address`` belongs to."""
    if not address:
        return ""
    ip = ipaddress.ip_address(address)
    for network, name in _NETWORKS:
        if ip.version == network.version and ip in network:
            return name
    return "private" if ip.is_private else ""


@lru_cache(maxsize=65_536)
def client_of(agent: str, address: str) -> Client:
    """Return all that is kept of a client."""
    return Client(family_of(agent), device_of(agent), network_of(address))
