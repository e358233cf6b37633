"""How often something may be asked, counted in Valkey (and by each process alone while Valkey is away).

@blueprint.post("/subscribe/<form>")
@public
@limiter.limit("20 per hour")
"""

from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(key_func=get_remote_address, strategy="moving-window", in_memory_fallback_enabled=True)
