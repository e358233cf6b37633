"""The only wiring: binds a process to its deployment and joins the rooms through their registries."""

from __future__ import annotations

from typing import Any

from celery import Celery, signals
from flask import Flask

from app.core import config, db, jobs, log, upkeep  # noqa: F401 - upkeep declares periodic work
from app.core.config import Settings


def bind(settings: Settings) -> None:
    """Bind this process to one deployment: settings, logs, database, broker. Every entry point calls it first."""
    config.use(settings)
    log.configure(settings.log_format)
    db.connect(settings.database_url or "postgresql+psycopg://")
    jobs.publish_with(_publisher(settings))


def _publisher(settings: Settings) -> jobs.Publisher:
    """Return what sends job ids to Celery; the connection is made at the first use."""
    sender = Celery("permesso", broker=settings.redis_url, set_as_current=False)
    _configure(sender, settings)

    def publish(name: str, args: list[Any], queue: str) -> None:
        sender.send_task(name, args=args, queue=queue, retry=False)

    return publish


def _configure(celery: Celery, settings: Settings) -> None:
    """Celery's settings. Tasks are acknowledged on arrival, because the job row in PostgreSQL is the truth and the
    sweeper publishes again what a dead worker left; so no task is ever repeated by a visibility timeout."""
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue=jobs.Queue.UPKEEP.value,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "health_check_interval": 30,
        },
        timezone="UTC",
        beat_schedule_filename=str(settings.var / "beat-schedule"),
    )


def wire() -> None:
    """Fill the registries: each room's offers to the rooms below it."""


def create_app(settings: Settings) -> Flask:
    """Return the web application of one deployment."""
    bind(settings)
    wire()
    app = Flask("app.web", template_folder=str(config.TEMPLATES), static_folder="static")
    app.config.update(SECRET_KEY=settings.secret_key)
    return app


def create_celery(settings: Settings) -> Celery:
    """Return the Celery application: every job and periodic work of every room, and beat's timetable."""
    bind(settings)
    wire()
    celery = Celery("permesso", broker=settings.redis_url)
    _configure(celery, settings)
    for job in jobs.jobs:
        celery.task(name=job.name, queue=job.queue.value)(jobs.run)
    for periodic in jobs.periodics:
        celery.task(name=periodic.name, queue=periodic.queue.value)(_round(periodic.name))
        celery.conf.beat_schedule[periodic.name] = {
            "task": periodic.name,
            "schedule": periodic.every,
            "options": {"queue": periodic.queue.value, "expires": max(periodic.every, 30)},
        }
    signals.worker_process_init.connect(_forked, weak=False)
    return celery


def _round(name: str) -> Any:
    def run_round() -> None:
        jobs.run_periodic(name)

    return run_round


def _forked(**_: object) -> None:
    """A worker process must not share the parent's database connections."""
    db.after_fork()
