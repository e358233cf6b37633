"""The ``flask`` commands: each room's, with engines under them and errors said in a sentence.

Results are JSON on standard output, errors go to standard error; exit 0 only on success, 1 for what a person can mend
or an engine that is away, 2 for bad usage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

import click
from flask import Flask

from app import factory
from app.core import config, migrate
from app.core.cli import is_engineless
from app.core.config import Settings
from app.core.errors import EngineUnavailable, UserError
from app.local import engines, given

# The rooms with commands; imported only by ``flask``, so that web processes start without them.
ROOMS = (
    "app.core",
    "app.mail",
    "app.accounts",
    "app.customers",
    "consent",
    "campaigns",
    "tracking",
    "reports",
    "app.local",
    "app.bench",
)


def mount(app: Flask) -> None:
    """Put every room's commands on ``flask``; does nothing in a process that ``flask`` did not start."""
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        return
    for room in ROOMS:
        for command in import_module(f"{room}.commands").COMMANDS:
            app.cli.add_command(_ready_to_run(command, app, needs_engines=True))


def _ready_to_run(command: click.Command, app: Flask, *, needs_engines: bool) -> click.Command:
    """Wrap a command, or every command of a group, in what it runs with."""
    needs_engines = needs_engines and not is_engineless(command)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _ready_to_run(inner, app, needs_engines=needs_engines)
    elif command.callback is not None:
        command.callback = _wrapped(command.callback, app, needs_engines=needs_engines)
    return command


def _wrapped(callback: Callable[..., Any], app: Flask, *, needs_engines: bool) -> Callable[..., Any]:
    @wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            with app.app_context():
                if not needs_engines:
                    return callback(*args, **kwargs)
                with _engines():
                    return callback(*args, **kwargs)
        except (UserError, EngineUnavailable) as error:
            click.echo(str(error), err=True)
            raise SystemExit(1) from error

    return call


@contextmanager
def _engines() -> Iterator[None]:
    """Bind this process to engines that answer: those named, those that run, or else started for now."""
    var = config.current().var
    named = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    own = None if all(named) else engines.running(var) or engines.start(var)
    try:
        settings = Settings.from_env()
        given.check(settings)
        factory.bind(settings)
        if not named[0]:
            migrate.upgrade(settings.database_url)
        yield
    finally:
        if own is not None:
            own.stop()
