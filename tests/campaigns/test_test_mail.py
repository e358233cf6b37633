"""Test mails ask for nobody's permission, so they stay few."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.core.db import unit_of_work
from app.core.jobs import Queue, waiting
from tests.factories.accounts import make_staff, sign_in
from tests.factories.campaigns import make_campaign


def test_a_test_cannot_become_a_mailing(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        campaign = make_campaign(session)
    path = f"/campaigns/{campaign.id}/test"
    many = " ".join(f"p{n}@example.com" for n in range(11))
    page = client.post(path, data={"address": many, "language": "en"}, follow_redirects=True).text
    assert "10 addresses at most" in page
    answers = [client.post(path, data={"address": "a@example.com", "language": "en"}).status_code for _ in range(31)]
    assert answers.count(302) == 29 and answers[-1] == 429
    with unit_of_work() as session:
        assert waiting(session)[Queue.SYSTEM] == 29
