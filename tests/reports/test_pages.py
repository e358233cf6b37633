"""The pages of reports, as staff see them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core.db import unit_of_work
from tests.factories.accounts import make_staff, sign_in
from tests.factories.tracking import CHROME, Sent, drained, hit, make_sent
from tracking.services.fold import fold


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    make_staff()
    sign_in(client)
    return client


@pytest.fixture
def sent(client: FlaskClient) -> Sent:
    with unit_of_work() as session:
        return make_sent(session, 4)


def respond(sent: Sent, **options: float) -> None:
    with unit_of_work() as session:
        drained(session, [hit(sent, 0, agent=CHROME, **options), hit(sent, 0, link=0, after=200)])
    with unit_of_work() as session:
        fold(session, settled=timedelta())


def test_the_report_shows_rates_with_their_counts(staff: FlaskClient, sent: Sent) -> None:
    respond(sent)
    page = staff.get(f"/reports/campaigns/{sent.id}").text
    assert "25.0%" in page
    assert "1 of 4" in page
    assert "shop.example/a" in page


def test_the_page_is_told_only_what_is_new(staff: FlaskClient, sent: Sent) -> None:
    with unit_of_work() as session:
        session.connection().exec_driver_sql("UPDATE campaign SET status = 'sending'")
    page = staff.get(f"/reports/campaigns/{sent.id}").text
    (url,) = re.findall(r'hx-get="(/reports/[^"]+)"', page)
    assert staff.get(url.replace("&amp;", "&")).status_code == 204
    respond(sent)
    fresh = staff.get(url)
    assert fresh.status_code == 200
    assert "hx-trigger" in fresh.text


def test_exports_are_offered(staff: FlaskClient, sent: Sent) -> None:
    data = staff.get(f"/reports/campaigns/{sent.id}/figures.json").json
    assert data is not None
    assert data["delivered"] == 4
    assert "delivered,4" in staff.get(f"/reports/campaigns/{sent.id}/figures.csv").text.splitlines()


def test_lists_and_empty_pages(staff: FlaskClient) -> None:
    assert "No campaign has been sent yet" in staff.get("/reports").text
    assert staff.get("/reports/campaigns/999").status_code == 404
    with unit_of_work() as session:
        sent = make_sent(session, 1, tracked=False)
    assert f"/reports/campaigns/{sent.id}" in staff.get("/reports").text
    assert "No mail carried tracking" in staff.get(f"/reports/campaigns/{sent.id}").text
    assert "Recent campaigns" in staff.get("/").text
