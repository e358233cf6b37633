"""Structured logs: one event a line, each with the id of the request or job it belongs to."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(log_format: str = "console") -> None:
    """Set up logging for this process: ``console`` for people, ``json`` for machines; both go to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the rich one prints local variables: keys, addresses
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last] if log_format == "json" else [*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger. Call it with an event name in snake_case and key-value pairs; never with secrets."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=name)
    return logger


def bind(**context: object) -> None:
    """Replace the context (request or job id and the like) that is added to every later line of this thread."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**context)
