"""How often something may be asked, counted in Valkey (and by each process alone while Valkey is away).

@blueprint.post("/subscribe/<form>")
@public
@limiter.limit("20 per hour")
"""

from __future__ import annotations

from flask import request
from flask_limiter import Limiter

from app.core.places import place


def _from() -> str:
    return place(request.remote_addr or "")


limiter = Limiter(key_func=_from, strategy="moving-window", in_memory_fallback_enabled=True)
