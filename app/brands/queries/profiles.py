"""Which jurisdiction profiles a brand can follow. What they mean is known to ``consent``, which fills the registry."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.registries import Registry


@dataclass(frozen=True)
class ProfileChoice:
    """A profile as people read it; both texts may be lazy translations. ``asks_first`` tells that nobody is measured
    under it who did not permit it."""

    label: object
    explanation: object
    asks_first: bool = True


profiles: Registry[ProfileChoice] = Registry("jurisdiction profiles")


def choices() -> list[tuple[str, object]]:
    """Return name and label of every profile."""
    return [(name, profile.label) for name, profile in zip(profiles.names(), profiles, strict=True)]
