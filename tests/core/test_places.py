"""Where requests come from: spellings of addresses, and what counts as one place."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.config import Settings
from app.core.errors import InvalidInput
from app.core.places import NOWHERE, place, plain


@pytest.mark.parametrize(
    ("ip", "spelled", "counted"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8::1%eth0", "2001:db8::1", "2001:db8::/64"),
        ("unknown", NOWHERE, f"{NOWHERE}/32"),
        ("192.0.2.7:4711", NOWHERE, f"{NOWHERE}/32"),
        ("", NOWHERE, f"{NOWHERE}/32"),
    ],
)
def test_one_line_is_one_place(ip: str, spelled: str, counted: str) -> None:
    assert (plain(ip), place(ip)) == (spelled, counted)


def test_row_59_limits_count_a_line_and_not_its_addresses(client: FlaskClient) -> None:
    answers = [
        client.post("/request", data={}, environ_base={"REMOTE_ADDR": f"2001:db8::{number:x}"}).status_code
        for number in range(12)
    ]
    assert answers[-1] == 429
    other = client.post("/request", data={}, environ_base={"REMOTE_ADDR": "2001:db8:0:1::1"})
    assert other.status_code != 429


def test_nobody_may_choose_where_they_come_from(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "*")
    with pytest.raises(InvalidInput, match="TRUSTED_PROXIES"):
        Settings.from_env()


def test_row_59_what_a_visitor_writes_into_the_header_of_a_proxy_counts_for_nothing(client: FlaskClient) -> None:
    for number in range(11):
        answer = client.post("/request", data={}, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert answer.status_code == 429
