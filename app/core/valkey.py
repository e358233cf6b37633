"""The Valkey (or Redis) client of this process. Nothing lives only there that may not be lost."""

from __future__ import annotations

from functools import lru_cache

import redis

from app.core import config


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30)


def client() -> redis.Redis:
    """Return the shared client (thread-safe, pooled, answers are bytes)."""
    return _client(config.current().redis_url)
