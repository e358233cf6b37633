"""Whether a domain receives mail at all, asked of the DNS where the deployment wants it (``CHECK_MX``), and remembered.

A resolver that does not answer never keeps anybody out: only a clear no counts.
"""

from __future__ import annotations

import dns.resolver
import redis
from email_validator import EmailUndeliverableError
from email_validator.deliverability import validate_email_deliverability

from app.core import config, log, valkey

logger = log.get("consent")
LIFETIME = 2.0  # seconds that the DNS may take: somebody waits for the page
KNOWN, MISSING = 24 * 3600, 3600  # seconds for which an answer is remembered
_resolver: dns.resolver.Resolver | None = None


def resolve_with(resolver: dns.resolver.Resolver | None) -> None:
    """Ask this resolver from now on; None stands for the system's."""
    global _resolver
    _resolver = resolver


def receives(domain: str) -> bool:
    """Tell whether ``domain`` (A-labels) may receive mail; True when nobody knows, or nobody is to ask."""
    if not config.current().check_mx:
        return True
    key = f"mx:{domain}"
    try:
        kept = valkey.client().get(key)
        if kept is not None:
            return bool(kept == b"1")
        answer = _ask(domain)
        if answer is not None:
            valkey.client().set(key, int(answer), ex=KNOWN if answer else MISSING)
    except redis.RedisError as error:
        logger.warning("mail_domain_not_remembered", error=type(error).__name__)
        return True
    return answer is not False


def _ask(domain: str) -> bool | None:
    try:
        resolver = _resolver or dns.resolver.Resolver()
        resolver.lifetime = LIFETIME
        found = validate_email_deliverability(domain, domain, dns_resolver=resolver)
    except dns.exception.DNSException:  # no resolver is configured
        return None
    except EmailUndeliverableError as refused:
        # The validator says the same of a failure it did not expect; that one is no answer.
        clear = refused.__cause__ is None or isinstance(
            refused.__cause__, dns.resolver.NXDOMAIN | dns.resolver.NoAnswer
        )
        return False if clear else None
    return None if "unknown-deliverability" in found else True
