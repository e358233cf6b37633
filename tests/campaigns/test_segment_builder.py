"""The builder takes no more conditions than any segment may have."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.accounts.policy import Role
from tests.factories.accounts import make_staff, sign_in


def test_an_endless_form_is_refused_at_once(client: FlaskClient) -> None:
    make_staff(Role.ANALYST)
    sign_in(client, "analyst@example.com")
    wide = {f"r.{n}/mode": "all" for n in range(20_000)}
    deep = {f"r{'.0' * n}/mode": "all" for n in range(1, 1500)}
    for form in (wide, deep):
        page = client.post("/segments/count", data={"r/mode": "all", **form})
        assert page.status_code == 200 and "conditions at most" in page.text
