"""Look at the servers that the environment names, before anything relies on them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import psycopg
import redis

from app.core.config import Settings
from app.core.errors import EngineUnavailable
from app.local.engines.postgres import OLDEST
from app.mail.smtp import Security

PATIENCE = 5  # seconds


def check(settings: Settings) -> None:
    """Raise ``EngineUnavailable`` when DATABASE_URL, REDIS_URL or SMTP_URL names nothing that can be used."""
    if settings.database_url:
        _check_database(settings.psycopg_url)
    if settings.redis_url:
        _check_broker(settings.redis_url)
    if settings.smtp_url and urlsplit(settings.smtp_url).scheme not in set(Security):
        known = ", ".join(f"{scheme}://" for scheme in Security)
        raise EngineUnavailable(f"SMTP_URL must begin with one of {known}: mend it, or leave it out.")


def _check_database(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise EngineUnavailable(
            f"DATABASE_URL names no database that can be used ({_reason(error)}): mend it, or leave it out for the "
            "embedded one."
        ) from None
    if version < OLDEST * 10_000:
        raise EngineUnavailable(
            f"DATABASE_URL names PostgreSQL {version // 10_000} and {OLDEST} is the oldest that serves: upgrade that "
            "server, or leave DATABASE_URL out for the embedded one."
        )


def _check_broker(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        raise EngineUnavailable(
            f"REDIS_URL names no server that can be used ({_reason(error)}): mend it, or leave it out for the "
            "embedded one."
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < (6, 2):
        raise EngineUnavailable(
            f"REDIS_URL names version {version} and 6.2 is the oldest that serves: upgrade that server, or leave "
            "REDIS_URL out for the embedded one."
        )


def _reason(error: Exception) -> str:
    """Return the core of an error's text, without the addresses and advice that libpq puts around it."""
    text = str(error).strip()
    found = re.search(r"FATAL: +(.+)", text) or re.search(r".*failed: (.+)", text) or re.search("(.+)", text)
    return found[1] if found else type(error).__name__
