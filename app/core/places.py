"""Where requests come from: one spelling of an address, and what counts as one place when requests are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

NOWHERE = "0.0.0.0"  # noqa: S104 - stands for whoever does not say where they are; all of them are one place

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def plain(ip: str) -> str:
    """Return an address in its one spelling, or ``NOWHERE`` for what is none, as a header of a proxy may hold.

    An IPv4 address in the clothes of IPv6 (``::ffff:192.0.2.1``, what a socket for both sees) is itself, or all of
    them would be one place.
    """
    try:
        found = ip_address(ip.strip().partition("%")[0])
    except ValueError:
        return NOWHERE
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def place(ip: str) -> str:
    """Return the network that one line has: an IPv4 address, or the /64 under IPv6 (RFC 6177)."""
    known = plain(ip)
    return str(ip_network(f"{known}/{64 if ':' in known else 32}", strict=False))


def plainly(app: Wsgi) -> Wsgi:
    """Let a WSGI application see addresses in their one spelling, and nothing else in their place."""

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = plain(environ.get("REMOTE_ADDR", ""))
        return app(environ, start_response)

    return wrapped
