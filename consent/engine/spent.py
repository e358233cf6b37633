"""Form tokens that were used, while a form is flooded: one token, and the work done for it, is good for one request."""

from __future__ import annotations

import hashlib

import redis

from app.core import log, valkey
from consent.policy.bombing import SHOWN

logger = log.get("consent")


def spend(token: str) -> bool:
    """Use a token up; False when it was used before. While Valkey is away every token counts as new: the caps on mails,
    which stand in PostgreSQL, hold all the same."""
    key = f"forms:spent:{hashlib.sha256(token.encode()).hexdigest()[:32]}"
    try:
        return bool(valkey.client().set(key, 1, nx=True, ex=int(SHOWN.total_seconds())))
    except redis.RedisError as error:
        logger.warning("form_token_not_spent", error=type(error).__name__)
        return True
