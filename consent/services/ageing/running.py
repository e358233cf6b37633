"""Switching upkeep, and its runs: begun by hand or by the timetable, taken on after a crash, stopped on request."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.jobs import JobName, Queue, enqueue
from app.customers.queries.contacts import contact_table
from consent.models import Upkeep as Row
from consent.models import UpkeepRun
from consent.queries import upkeep as queries
from consent.queries.upkeep import ACTIVE
from consent.services.ageing.registry import Month, Unit, Upkeep, upkeeps

RUN = JobName("consent.upkeep", Queue.UPKEEP)
BATCH = 100
KEPT_RUNS = 30
MAX_MONTHS = 600


def find(name: str) -> Upkeep:
    """Return the upkeep called ``name``. Raises ``NotFound``."""
    found = upkeeps.get(name)
    if found is None:
        raise NotFound(
            _("No upkeep is called %(name)s. Known: %(known)s.", name=name, known=", ".join(upkeeps.names()))
        )
    return found


def is_on(session: Session, upkeep: Upkeep) -> bool:
    """Tell whether the timetable runs it."""
    row = session.get(Row, upkeep.name)
    return not upkeep.optional or bool(row and row.enabled)


def months_of(session: Session, upkeep: Upkeep) -> int:
    """Return the period that holds for it, in months; 0 where there is none."""
    row = session.get(Row, upkeep.name)
    return (row.months if row else None) or upkeep.months or 0


def set_months(session: Session, upkeep: Upkeep, months: int) -> None:
    """Choose the period. One that is on goes off by it: nobody has seen the dry run of the new period.

    Raises ``InvalidInput``.
    """
    if upkeep.months is None:
        raise InvalidInput(_("This upkeep has no period to choose."), field="months")
    if not upkeep.least <= months <= MAX_MONTHS:
        raise InvalidInput(
            _("The period is %(min)d to %(max)d months.", min=upkeep.least, max=MAX_MONTHS), field="months"
        )
    row = _row(session, upkeep.name)
    if months_of(session, upkeep) != months:
        row.months, row.enabled = months, False
        _changed(session, row, "changed", {"months": months})


def switch(session: Session, upkeep: Upkeep, on: bool, *, seen_months: int) -> None:
    """Switch an upkeep on or off. ``seen_months`` is the period of the dry run that was looked at.

    Raises ``InvalidInput`` for one that is not to be switched, ``Conflict`` when the period has changed since.
    """
    if not upkeep.optional:
        raise InvalidInput(_("This upkeep cannot be switched off: the law or a promise asks for it."))
    row = _row(session, upkeep.name)
    if on and seen_months != months_of(session, upkeep):
        raise Conflict(_("The period has changed since. Look at the dry run again."))
    row.enabled = on
    _changed(session, row, "switched on" if on else "switched off", {"months": months_of(session, upkeep)})


def _row(session: Session, name: str) -> Row:
    session.execute(insert(Row).values(name=name).on_conflict_do_nothing())
    return session.get_one(Row, name, with_for_update=True, populate_existing=True)


def _changed(session: Session, row: Row, what: str, detail: dict[str, int]) -> None:
    row.changed_at, row.changed_by = clock.now(), audit.actor().staff_id
    session.flush()
    audit.record(session, what, "upkeep", detail={"name": row.name, **detail})


# Runs


def start(session: Session, upkeep: Upkeep) -> int:
    """Begin a run of an upkeep that is on, by a job; return its id. Raises ``Conflict`` while one is under way."""
    if not is_on(session, upkeep):
        raise Conflict(_("It is switched off. Look at its dry run and switch it on first."))
    audit.record(session, "started", "upkeep", detail={"name": upkeep.name})
    return _begin(session, upkeep)


def _begin(session: Session, upkeep: Upkeep) -> int:
    total = queries.count(session, due(session, upkeep))
    statement = insert(UpkeepRun).values(name=upkeep.name, total=total, started_by=audit.actor().staff_id)
    run_id: int | None = session.scalar(statement.on_conflict_do_nothing().returning(UpkeepRun.id))
    if run_id is None:
        raise Conflict(_("A run is under way already."))
    _row(session, upkeep.name).looked_at = clock.now()
    kept = select(UpkeepRun.id).where(UpkeepRun.name == upkeep.name).order_by(UpkeepRun.id.desc()).limit(KEPT_RUNS)
    session.execute(delete(UpkeepRun).where(UpkeepRun.name == upkeep.name, UpkeepRun.id.not_in(kept)))
    enqueue(session, RUN, run_id)
    return run_id


def start_due(session: Session) -> list[str]:
    """Begin every upkeep that is on and whose time has come, when anybody is due; return their names."""
    begun = []
    for upkeep in upkeeps:
        row = _row(session, upkeep.name)
        looked = row.looked_at
        if not is_on(session, upkeep) or (looked is not None and looked + upkeep.every > clock.now()):
            continue
        if queries.active_run(session, upkeep.name) is not None:
            continue
        row.looked_at = clock.now()
        if session.scalar(due(session, upkeep).limit(1)) is not None:
            _begin(session, upkeep)
            begun.append(upkeep.name)
    session.flush()
    return begun


def due(session: Session, upkeep: Upkeep) -> queries.Ids:
    """Return the SELECT of whom it would touch now."""
    return upkeep.due(clock.now(), months_of(session, upkeep))


def by_month(session: Session, upkeep: Upkeep) -> list[Month]:
    """Return what an upkeep of events would touch now, month by month; of others nothing."""
    return upkeep.by_month(session, clock.now(), months_of(session, upkeep)) if upkeep.by_month else []


def step(session: Session, run_id: int) -> bool:
    """Deal with the next few of a run, and note how far it is; False when it has ended."""
    run = session.get(UpkeepRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.status not in ACTIVE:
        return False
    upkeep = upkeeps.get(run.name)
    if run.status == "stopping" or upkeep is None or not is_on(session, upkeep):
        return _end(session, run, "stopped")
    run.status = "running"
    found = due(session, upkeep).subquery()
    key = found.c[0]
    ids = list(session.scalars(select(key).where(key > run.position).order_by(key).limit(upkeep.batch or BATCH)))
    if not ids:
        return _end(session, run, "done")
    still = _still_due(session, upkeep, ids)
    if still:
        upkeep.apply(session, still)
    run.done, run.position = run.done + len(still), ids[-1]
    run.total = max(run.total, run.done)
    session.flush()
    return True


def _still_due(session: Session, upkeep: Upkeep, ids: list[int]) -> list[int]:
    """Ask once more with the people's rows locked: who acted meanwhile is not due any more."""
    if upkeep.unit is not Unit.CONTACT:
        return ids
    person = contact_table()
    session.execute(
        select(person.c.id).where(person.c.id.in_(ids)).order_by(person.c.id).with_for_update(key_share=True)
    )
    found = due(session, upkeep).subquery()
    return list(session.scalars(select(found.c[0]).where(found.c[0].in_(ids)).order_by(found.c[0])))


def _end(session: Session, run: UpkeepRun, status: str) -> bool:
    run.status, run.finished_at = status, clock.now()
    session.flush()
    return False


def stop(session: Session, run_id: int) -> None:
    """Ask a run to stop; what it has done stays done. Raises ``NotFound``, ``Conflict``."""
    run = _run(session, run_id)
    if run.status not in ACTIVE:
        raise Conflict(_("This run has ended already."))
    run.status = "stopping"
    audit.record(session, "stopped", "upkeep", detail={"name": run.name})
    session.flush()


def fail(session: Session, run_id: int, reason: str) -> None:
    """End a run that could not go on."""
    run = _run(session, run_id)
    run.error = reason[:1000]
    _end(session, run, "failed")


def _run(session: Session, run_id: int) -> UpkeepRun:
    run = session.get(UpkeepRun, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFound(_("There is no such run."))
    return run


def next_at(upkeep: Upkeep, looked_at: datetime | None) -> datetime:
    """Return when the timetable looks at it next."""
    return max(clock.now(), looked_at + upkeep.every) if looked_at else clock.now() + timedelta(minutes=5)
