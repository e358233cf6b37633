from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.core import jobs
from app.core.db import unit_of_work
from app.core.upkeep import HEARTBEAT
from app.web import vitals
from tests.factories.accounts import make_staff, sign_in


@jobs.job("tests.web.broken", queue=jobs.Queue.UPKEEP)
def broken() -> None:
    raise ValueError("it is broken")


def fail_for_good() -> int:
    with unit_of_work() as session:
        job_id = jobs.enqueue(session, broken)
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.run(job_id)
    return job_id


def test_health_needs_database_broker_and_worker(
    client: FlaskClient, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "_began", time.monotonic())
    answer = client.get("/healthz")
    assert answer.status_code == 200  # a worker takes a while to start
    assert answer.get_json() == {"ok": True, "starting": True, "database": True, "broker": True, "worker": False}
    monkeypatch.setattr(vitals, "_began", time.monotonic() - vitals.STARTING_SECONDS)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.get_json() == {"ok": False, "starting": False, "database": True, "broker": True, "worker": False}
    valkey.set(HEARTBEAT, b"1")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["ok"]) == (200, True)


def test_what_is_out_of_order_is_not_starting(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_broker", lambda: False)
    monkeypatch.setattr(vitals, "_began", time.monotonic())
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["ok"], answer.get_json()["starting"]) == (503, False, False)


def test_the_docs_keep_every_path_with_a_token_out_of_a_proxys_log(app: Flask) -> None:
    said = re.search(r"\(\?<door>([^)]*)\)", Path("docs/operations.md").read_text("utf-8"))
    assert said is not None
    doors = {str(rule).split("/")[1] for rule in app.url_map.iter_rules() if "<token>" in str(rule)}
    assert doors | {"o", "c"} == set(said[1].split("|"))


def test_metrics_count_what_waits_and_what_failed(client: FlaskClient) -> None:
    fail_for_good()
    text = client.get("/metrics").get_data(as_text=True)
    assert "permesso_jobs_failed 1.0" in text
    assert 'permesso_jobs_waiting{queue="send"} 0.0' in text
    assert 'permesso_up{part="database"} 1.0' in text


def test_metrics_are_for_this_machine(client: FlaskClient) -> None:
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_a_failed_job_is_shown_and_can_run_again(client: FlaskClient) -> None:
    job_id = fail_for_good()
    make_staff()
    sign_in(client)
    assert "it is broken" in client.get("/settings/operations").get_data(as_text=True)
    assert client.post(f"/settings/operations/jobs/{job_id}/retry").status_code == 302
    with unit_of_work() as session:
        assert jobs.count_failed(session) == 0
        assert jobs.waiting(session)["upkeep"] == 1
    assert client.post(f"/settings/operations/jobs/{job_id}/retry").status_code == 404


def test_a_failed_job_can_be_discarded(client: FlaskClient) -> None:
    job_id = fail_for_good()
    make_staff()
    sign_in(client)
    assert client.post(f"/settings/operations/jobs/{job_id}/discard").status_code == 302
    with unit_of_work() as session:
        assert jobs.failed(session) == []
