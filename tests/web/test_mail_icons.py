"""The pictures that designs may show."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


def test_a_picture_is_served_to_anybody(client: FlaskClient) -> None:
    answer = client.get("/mail-icons/facebook.png")
    assert answer.status_code == 200 and answer.data.startswith(b"\x89PNG")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["absent", "..%2f..%2fdesign", "%2e%2e"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/mail-icons/{name}.png").status_code == 404
