"""What the operator looks at: health for load balancers, metrics for Prometheus, a page for people."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, public
from app.core import config, jobs
from app.core.db import unit_of_work
from app.core.errors import NotFound
from app.web import vitals

blueprint = Blueprint("operations", __name__, url_prefix="/settings/operations")
probes = Blueprint("probes", __name__)


@probes.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Say whether database, broker and worker answer: 200 when all do or the worker is still expected, else 503."""
    checks = vitals.health()
    starting = vitals.starting(checks)
    well = starting or all(checks.values())
    return {"ok": well, "starting": starting, **checks}, 200 if well else 503


@probes.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Return the figures for Prometheus, to this machine or to who knows METRICS_TOKEN."""
    if not _may_scrape():
        abort(403)
    return Response(generate_latest(_gauges()), content_type=CONTENT_TYPE_LATEST)


def _may_scrape() -> bool:
    token = config.current().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token:
        return hmac.compare_digest(given.encode(), token.encode())
    # A proxy on this machine makes everybody look local, and says so.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104


def _gauges() -> CollectorRegistry:
    registry, figures = CollectorRegistry(), vitals.vitals()
    queues = Gauge("permesso_jobs_waiting", "Jobs that are not done", ["queue"], registry=registry)
    for queue, count in figures.queues.items():
        queues.labels(queue).set(count)
    messages = Gauge("permesso_messages", "Messages of running and paused campaigns", ["state"], registry=registry)
    for state, count in figures.messages.items():
        messages.labels(state).set(count)
    up = Gauge("permesso_up", "Whether a part answers", ["part"], registry=registry)
    for part, answers in vitals.health().items():
        up.labels(part).set(answers)
    for name, text, value in (
        ("permesso_jobs_failed", "Jobs that failed for good", figures.failed_jobs),
        (
            "permesso_spool_bytes",
            "Bytes in this host's spool, drained files not yet deleted included",
            figures.spool_bytes,
        ),
        (
            "permesso_hits_not_recorded",
            "Opens and clicks answered but not recorded, because the spool took none",
            figures.hits_not_recorded,
        ),
        ("permesso_events_unfolded", "Events that are drained and not yet folded", figures.lag.events),
        ("permesso_fold_lag_seconds", "Age of the oldest batch that is not folded", figures.lag.seconds),
    ):
        Gauge(name, text, registry=registry).set(value)
    return registry


@blueprint.get("")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show how the deployment is."""
    with unit_of_work() as session:
        failed = jobs.failed(session)
    return render_template(
        "web/operations/index.html",
        health=vitals.health(),
        vitals=vitals.vitals(),
        versions=vitals.versions(),
        failed=failed,
    )


@blueprint.post("/jobs/<int:job_id>/retry")
@allows(Role.ADMINISTRATOR)
def retry(job_id: int) -> ResponseReturnValue:
    """Let a failed job run again."""
    with unit_of_work() as session:
        if not jobs.retry(session, job_id):
            raise NotFound(_("This job has not failed, or is gone."))
        audit.record(session, "retried", "job", job_id)
    flash(_("The job will run again within half a minute."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/jobs/<int:job_id>/discard")
@allows(Role.ADMINISTRATOR)
def discard(job_id: int) -> ResponseReturnValue:
    """Forget a failed job."""
    with unit_of_work() as session:
        if not jobs.discard(session, job_id):
            raise NotFound(_("This job has not failed, or is gone."))
        audit.record(session, "discarded", "job", job_id)
    return redirect(url_for(".index"))
