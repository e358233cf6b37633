"""The one list of scheduled upkeep. Each entry names who is due by a SELECT, so a dry run and a run cannot differ.

Higher rooms add theirs to ``upkeeps``; ``services.ageing.running`` runs them, a few people a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core.registries import Registry


class Unit(StrEnum):
    """What an upkeep deals with, one by one."""

    CONTACT = "contact"
    SIGN_UP = "sign_up"
    EVENT_HOUR = "event_hour"  # an hour of recorded events, numbered since 1970


@dataclass(frozen=True)
class Month:
    """What an upkeep of events would touch of one month: how many, of how many people."""

    first: date
    events: int
    people: int


@dataclass(frozen=True)
class Upkeep:
    """One kind of upkeep.

    ``due(now, months)`` selects the ids of what is due, each once; ``apply(session, ids)`` deals with some of them.
    ``months`` is the period where one can be chosen. An upkeep that is ``optional`` is off until somebody who saw
    its dry run switches it on; the others are what the law or a promise asks for and cannot be switched off.
    ``least`` is the shortest period to choose, ``batch`` how many ids one transaction deals with, and ``by_month``
    tells of an upkeep of events what it would touch, month by month.
    """

    name: str
    title: object
    text: object
    every: timedelta
    due: Callable[[datetime, int], Select[int]]
    apply: Callable[[Session, list[int]], None]
    unit: Unit = Unit.CONTACT
    months: int | None = None
    optional: bool = False
    least: int = 1
    batch: int | None = None
    by_month: Callable[[Session, datetime, int], list[Month]] | None = None


upkeeps: Registry[Upkeep] = Registry("upkeep")
