"""The open and click endpoint, called as a WSGI server calls it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from app.core import config
from app.core.config import Settings
from app.core.errors import EngineUnavailable
from app.core.tokens import Purpose, sign_message
from app.mail.content import Link
from tracking.engine import spool
from tracking.engine.alarm import not_recorded
from tracking.engine.endpoint import GIF, Endpoint
from tracking.engine.link_table import LinkTable
from tracking.engine.spool import Spool
from tracking.policy.hits import Hit, decode

LINKS = {
    0: Link(0, "https://shop.example/tea?a=1#leaves", "Tea", ("https://shop.example/tea?a=1#leaves",)),
    1: Link(1, "https://shop.example/?id={{ contact.id }}&x=1", "You", ("https://shop.example/?id=", "&x=1")),
    2: Link(2, "https://café.example/thé vert?q=é", "IRI", ("https://café.example/thé vert?q=é",)),
    3: Link(3, "javascript:alert(1)", "Bad", ("javascript:alert(1)",)),
}
LATEST = 4_000_000_000_000_000


class Server:
    """Calls the endpoint and reads the spool."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_is_away = False
        self.spool = Spool(folder / "spool", "host")
        self.endpoint = Endpoint(self.spool, LinkTable(folder / "links", self._load))

    def _load(self, campaign_id: int) -> dict[int, Link]:
        if self.database_is_away:
            raise OSError("no database")
        return LINKS

    def get(self, path: str, method: str = "GET", query: str = "", **headers: str) -> tuple[str, dict[str, str], bytes]:
        answered: list[Any] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "198.51.100.7"}
        environ |= {"HTTP_USER_AGENT": "Test/1.0"} | {f"HTTP_{k.upper()}": v for k, v in headers.items()}
        body = b"".join(self.endpoint.answer(environ, lambda *given: answered.append(given)))
        status, listed = answered[0]
        return status, dict(listed), body

    def hits(self) -> list[Hit]:
        found = []
        for path in spool.files(self.folder / "spool", "host"):
            found += spool.parse(path.read_bytes(), 0, final=True).frames
        return [decode(frame.payload, LATEST) for frame in found]


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.spool.close()


def token(contact_id: int = 7, campaign_id: int = 5, purpose: Purpose = Purpose.ENGAGEMENT) -> str:
    return sign_message(purpose, campaign_id, contact_id)


def test_an_open_is_recorded_and_answered_with_one_point(server: Server) -> None:
    status, headers, body = server.get(f"/o/{token()}.gif")
    assert (status, body) == ("200 OK", GIF)
    assert headers["Cache-Control"] == "no-store, max-age=0"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers
    (hit,) = server.hits()
    assert hit[1:] == ("open", 5, 7, None, "GET", "", "198.51.100.7", "Test/1.0")


def test_a_click_is_recorded_and_redirected(server: Server) -> None:
    status, headers, body = server.get(f"/c/{token()}/0")
    assert (status, body) == ("302 Found", b"")
    assert headers["Location"] == "https://shop.example/tea?a=1#leaves"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert server.hits()[0][1:5] == ("click", 5, 7, 0)


def test_head_is_answered_without_a_body_and_recorded_as_such(server: Server) -> None:
    status, headers, body = server.get(f"/o/{token()}.gif", "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(GIF)), b"")
    assert server.get(f"/c/{token()}/0", "HEAD")[0] == "302 Found"
    assert [hit.method for hit in server.hits()] == ["HEAD", "HEAD"]


def test_a_prefetch_says_so(server: Server) -> None:
    server.get(f"/c/{token()}/0", sec_purpose="prefetch;prerender")
    assert server.hits()[0].hint == "prefetch"


def test_values_fill_only_the_slots_of_the_query(server: Server) -> None:
    _, headers, _ = server.get(f"/c/{token()}/1", query="v=https%3A%2F%2Fevil.example%2F%0D%0AX%3A1&v=more")
    assert headers["Location"] == "https://shop.example/?id=https%3A%2F%2Fevil.example%2F%0D%0AX%3A1&x=1"


def test_a_location_is_ascii(server: Server) -> None:
    _, headers, _ = server.get(f"/c/{token()}/2")
    assert headers["Location"] == "https://xn--caf-dma.example/th%C3%A9%20vert?q=%C3%A9"


@pytest.mark.parametrize(
    "path",
    [
        "/c/{token}/https://evil.example",
        "/c/{token}/0/https://evil.example",
        "/c/{token}//evil.example",
        "/c/{token}/99",
        "/c/{token}/99999",
        "/c/{token}/00",
        "/c/{token}/-1",
        "/c/{token}/3",
        "/c/{token}/",
        "/c/{token}",
        "/o/{token}",
        "/o/{token}.gif/x",
        "/o/{token}.png",
        "/o/.gif",
        "/o/{token}{token}.gif",
    ],
)
def test_what_leads_nowhere_gets_the_friendly_page_and_is_not_recorded(server: Server, path: str) -> None:
    status, headers, body = server.get(path.format(token=token()))
    assert status == "404 Not Found"
    assert "Location" not in headers
    assert b"<h1>" in body
    assert server.hits() == []


def test_forged_tokens_are_refused(server: Server) -> None:
    good = token()
    raw = base64.urlsafe_b64decode(good)
    forged = [
        base64.urlsafe_b64encode(bytes([*raw[:at], raw[at] ^ 1 << bit, *raw[at + 1 :]])).decode()
        for at in range(len(raw))
        for bit in range(8)
    ]
    forged += [good[:-1], good[1:], good.swapcase(), good[::-1], "A" * 32, good + "A"]
    forged += [token(purpose=purpose) for purpose in Purpose if purpose is not Purpose.ENGAGEMENT]
    for each in forged:
        assert server.get(f"/o/{each}.gif")[0] == "404 Not Found"
        assert server.get(f"/c/{each}/0")[0] == "404 Not Found"
    assert server.hits() == []


def test_a_rotated_key_still_verifies(server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = token()
    rotated = settings.model_copy(update={"secret_key": "n" * 40, "secret_key_fallbacks": settings.secret_key})
    monkeypatch.setattr(config, "_current", rotated)
    assert server.get(f"/o/{old}.gif")[0] == "200 OK"


def test_the_campaign_wide_link_records_nobody_and_no_address(server: Server) -> None:
    assert server.get(f"/c/{token(contact_id=0)}/0")[0] == "302 Found"
    (hit,) = server.hits()
    assert (hit.contact_id, hit.address) == (0, "")
    server.get(f"/o/{token(contact_id=0)}.gif")
    assert len(server.hits()) == 1


def test_other_methods_are_refused(server: Server) -> None:
    status, headers, _ = server.get(f"/c/{token()}/0", "POST")
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


def test_an_overlong_query_is_refused(server: Server) -> None:
    assert server.get(f"/c/{token()}/1", query="v=" + "x" * 10_000_000)[0] == "414 URI Too Long"
    assert server.hits() == []


def test_a_long_agent_is_cut_and_cannot_look_like_a_frame(server: Server) -> None:
    planted = spool.frame(b"forged").decode("latin-1")
    server.get(f"/o/{token()}.gif", user_agent=planted + "x" * 100_000)
    (hit,) = server.hits()
    assert len(hit.agent) == 512
    assert "\xe5" not in hit.agent


def test_clicks_get_on_while_the_database_is_away(server: Server) -> None:
    assert server.get(f"/c/{token()}/0")[0] == "302 Found"
    server.database_is_away = True
    restarted = LinkTable(server.folder / "links", server._load)
    assert restarted.destination(5, 0, []) == "https://shop.example/tea?a=1#leaves"
    with pytest.raises(EngineUnavailable):
        restarted.destination(6, 0, [])
    status, headers, _ = server.get(f"/c/{token(campaign_id=6)}/0")
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "10")
    assert len(server.hits()) == 1


def test_a_corrected_destination_takes_effect(server: Server, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.get(f"/c/{token()}/0")
    monkeypatch.setitem(LINKS, 0, Link(0, "https://shop.example/new", "Tea", ("https://shop.example/new",)))
    clock.forward(timedelta(seconds=61))
    assert server.get(f"/c/{token()}/0")[1]["Location"] == "https://shop.example/new"


def test_a_full_disk_is_an_alarm_and_people_get_on(server: Server, valkey: redis.Redis) -> None:
    server.endpoint = Endpoint(Spool(Path("/proc/nowhere"), "host"), LinkTable(server.folder, lambda _: LINKS))
    with capture_logs() as logs:
        assert server.get(f"/o/{token()}.gif")[0] == "200 OK"
        assert server.get(f"/c/{token()}/0")[0] == "302 Found"
    assert "hits_not_recorded" in [line["event"] for line in logs]
    assert not_recorded() == 1  # the second is told half a minute later


def test_the_page_speaks_french(server: Server) -> None:
    assert "Ce lien ne mène nulle part".encode() in server.get("/c/x/0", accept_language="fr-FR,fr")[2]


def test_more_values_than_any_link_has_are_refused(server: Server) -> None:
    assert server.get(f"/c/{token()}/1", query="&".join(["v=1"] * 300))[0] == "400 Bad Request"
    assert server.hits() == []
