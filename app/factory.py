"""The only wiring: binds a process to its deployment and joins the rooms through their registries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from celery import Celery, signals
from flask import Blueprint, Flask
from flask_babel import Babel, force_locale
from flask_babel import lazy_gettext as _
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from app.accounts import tasks as account_tasks  # noqa: F401 - declares periodic work
from app.accounts.policy import Role
from app.accounts.views import guard, limits, profile, sign_in, staff
from app.brands.views import brands, senders, welcome
from app.core import config, db, jobs, log, upkeep  # noqa: F401 - upkeep declares periodic work
from app.core.config import Settings
from app.core.places import plainly
from app.core.registries import NavigationEntry, navigation
from app.customers.engine import importing
from app.customers.queries import timeline
from app.customers.queries.timeline import ContactPanel
from app.customers.services import exporting
from app.customers.services import profile as profiles
from app.customers.services.importing import undoing
from app.customers.views import contacts, fields, imports, merging, noting, quality
from app.web import failures, page, security
from app.web.views import access, embed, home, mail_icons, operations, outbox
from campaigns import tasks as campaign_tasks  # noqa: F401 - declares jobs and periodic work
from campaigns.engine import keeper
from campaigns.queries import held as campaigns_held
from campaigns.queries import segments as segment_queries
from campaigns.queries import timeline as campaign_timeline
from campaigns.services import forget, silence, withdrawals
from campaigns.views import campaigns as campaign_pages
from campaigns.views import content, control, lists, segments, web_version
from campaigns.views import waves as campaign_waves
from consent import tasks as consent_tasks  # noqa: F401 - declares jobs
from consent import views as consent_views
from consent.queries import proof
from consent.services import ageing, erase, withdraw
from consent.services import welcome as welcome_mail
from consent.views import offers
from reports.views import campaign as reports_campaign
from reports.views import cards as reports_cards
from tracking import tasks as tracking_tasks  # noqa: F401 - declares periodic work
from tracking.engine.endpoint import tracking_middleware
from tracking.queries import held as tracking_held
from tracking.queries import segments as tracking_segments
from tracking.queries import timeline as tracking_timeline
from tracking.services import forget as tracking_forget
from tracking.services import rebuild, retention

TRANSLATIONS = str(config.TEMPLATES.parent / "app" / "translations")
BLUEPRINTS: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    profile.blueprint,
    staff.blueprint,
    home.blueprint,
    home.shell,
    mail_icons.blueprint,
    embed.blueprint,
    fields.blueprint,
    imports.blueprint,
    contacts.blueprint,
    merging.blueprint,
    quality.blueprint,
    noting.blueprint,
    welcome.blueprint,
    brands.blueprint,
    brands.controller,
    senders.blueprint,
    segments.blueprint,
    lists.blueprint,
    campaign_pages.blueprint,
    content.blueprint,
    campaign_waves.blueprint,
    control.blueprint,
    web_version.blueprint,
    *consent_views.BLUEPRINTS,
    operations.blueprint,
    operations.probes,
    access.blueprint,
    reports_campaign.blueprint,
)


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
    offers.register()
    _navigate()
    reports_cards.register()
    tracking_segments.register()
    exporting.audience_filters.add("segments", segment_queries.compile)
    timeline.sources.add("tracking", tracking_timeline.entries)
    timeline.sources.add("campaigns", campaign_timeline.entries)
    timeline.titles.add("campaigns", _("Mails"))
    timeline.titles.add("tracking", _("Orders"))
    timeline.panels.add("campaigns", ContactPanel("web/campaigns/_contact.html", campaign_timeline.latest_mails, 20))
    withdraw.contexts.add("campaigns", withdrawals.context)
    withdraw.contexts.add("forms", welcome_mail.context)
    withdraw.listeners.add("campaigns", withdrawals.mark_unsubscribed)
    profiles.refolds.add("tracking", rebuild.refold)
    undoing.traces.add("campaigns", forget.keep_written)
    undoing.traces.add("tracking", tracking_forget.keep_buyers)
    erase.erasure_steps.add("campaigns", forget.forget)
    erase.erasure_steps.add("tracking", tracking_forget.forget)
    ageing.upkeeps.add(silence.UPKEEP.name, silence.UPKEEP)
    ageing.upkeeps.add(retention.UPKEEP.name, retention.UPKEEP)
    offers.register_periods()
    proof.export_sections.add("messages", campaigns_held.messages)
    proof.export_sections.add("events", tracking_held.events)
    proof.export_sections.add("sealed_events", tracking_held.sealed_events)
    proof.export_sections.add("orders", tracking_held.orders)
    proof.export_sections.add("came_back", tracking_held.answers)


def _navigate() -> None:
    """The main navigation. A line whose endpoint is not there is not shown."""
    for title, endpoint, icon, role, section in (
        (_("Dashboard"), "home.index", "layout-dashboard", Role.VIEWER, ""),
        (_("Campaigns"), "campaigns.index", "send", Role.VIEWER, ""),
        (_("Reports"), "reports.index", "chart-line", Role.VIEWER, ""),
        (_("Contacts"), "contacts.index", "users", Role.ANALYST, _("Audience")),
        (_("Segments"), "segments.index", "filter", Role.ANALYST, _("Audience")),
        (_("Topics"), "topics.index", "tags", Role.ANALYST, _("Permission")),
        (_("Sign-up forms"), "forms.index", "forms", Role.ANALYST, _("Permission")),
        (_("Suppressions"), "suppressions.index", "mail-off", Role.ANALYST, _("Permission")),
        (_("Permission over time"), "statistics.index", "trending-up", Role.VIEWER, _("Permission")),
        (_("Ageing"), "ageing.index", "hourglass", Role.ANALYST, _("Permission")),
        (_("Requests"), "requests.index", "user-question", Role.ANALYST, _("Permission")),
        (_("Outbox"), "outbox.index", "inbox", Role.MARKETER, _("Workspace")),
        (_("Settings"), "shell.settings", "settings", Role.ADMINISTRATOR, _("Workspace")),
    ):
        navigation.add(endpoint, NavigationEntry(title, endpoint, icon, len(navigation), role, section))


def create_app(settings: Settings) -> Flask:
    """Return the web application of one deployment."""
    bind(settings)
    wire()
    app = Flask("app.web", template_folder=str(config.TEMPLATES), static_folder="static")
    app.config.update(
        BABEL_TRANSLATION_DIRECTORIES=TRANSLATIONS,
        RATELIMIT_STORAGE_URI=settings.redis_url.replace("unix://", "redis+unix://", 1) or "memory://",
    )
    security.install(app)
    guard.csrf.init_app(app)
    limits.limiter.init_app(app)
    Babel(app, locale_selector=page.locale, timezone_selector=page.time_zone)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    page.install(app)
    failures.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if outbox.in_use(settings):
        app.register_blueprint(outbox.blueprint)
    app.wsgi_app = plainly(tracking_middleware(app.wsgi_app))  # type: ignore[method-assign, assignment]
    if settings.trusted_proxies:
        app.wsgi_app = wrap_wsgi_with_proxy_headers(  # type: ignore[method-assign]
            app.wsgi_app, trusted_hosts=[proxy.strip() for proxy in settings.trusted_proxies.split(",")]
        )
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
    importing.speak_with(_speaking())
    signals.worker_process_init.connect(_forked, weak=False)
    signals.worker_ready.connect(_keep, weak=False)
    return celery


def _round(name: str) -> Any:
    def run_round() -> None:
        jobs.run_periodic(name)

    return run_round


def _speaking() -> Callable[[str], AbstractContextManager[None]]:
    """Return what makes a job's messages come in a language, as a request does for the pages."""
    app = Flask("app.jobs")
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=TRANSLATIONS)
    Babel(app)

    @contextmanager
    def speak(language: str) -> Iterator[None]:
        with app.app_context(), force_locale(language):
            yield

    return speak


def _forked(**_: object) -> None:
    """A worker process must not share the parent's database connections."""
    db.after_fork()


def _keep(**_: object) -> None:
    """Once a host, whatever its queues: settle what a worker that died here has left."""
    keeper.start()
