"""Jobs of the customer base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext, lazy_gettext

from app.core.db import unit_of_work
from app.core.jobs import Queue, job, periodic
from app.core.registries import Retention, retentions
from app.customers.engine import importing
from app.customers.queries.fields import dictionary
from app.customers.services import field_retention
from app.customers.services.importing import forgetting
from app.customers.services.quality import counting

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

retentions.add(
    "import files",
    Retention(
        lazy_gettext("Uploaded files of imports"),
        lambda _: gettext("until the import is done, %(days)s days at most", days=forgetting.FILES_KEPT.days),
    ),
)
retentions.add(
    "import rejects",
    Retention(
        lazy_gettext("Refused rows of imports"), lambda _: gettext("%(days)s days", days=forgetting.REJECTS_KEPT.days)
    ),
)
retentions.add(
    "import changes",
    Retention(
        lazy_gettext("What stood before an import changed it"),
        lambda _: gettext("%(days)s days", days=forgetting.CHANGES_KEPT.days),
    ),
)


@job("customers.import", queue=Queue.IMPORT)
def run_import(batch_id: int) -> None:
    """Run an import from where it is; one that was stopped or is done stays so."""
    importing.run(batch_id)


@job("customers.undo_import", queue=Queue.IMPORT)
def undo_import(batch_id: int) -> None:
    """Take an import back, from where it is; one that is not being undone stays as it is."""
    importing.undo(batch_id)


@periodic("customers.forget_values", every=86400)
def forget_values() -> None:
    """Take the outlived values of fields from people, a part in each transaction."""
    with unit_of_work() as session:
        kept = [field for field in dictionary(session) if field.keep_days is not None]
    for field in kept:
        more = True
        while more:
            with unit_of_work() as session:
                more = field_retention.forget(session, field.id) == field_retention.PART


def _kept_fields(session: Session) -> str:
    kept = [(field.name, field.keep_days) for field in dictionary(session) if field.keep_days is not None]
    texts = [gettext("%(name)s: %(days)s days", name=name, days=days) for name, days in kept]
    return "; ".join([*texts, gettext("others as long as the contact")])


retentions.add("fields", Retention(lazy_gettext("Values of declared fields"), _kept_fields))


@periodic("customers.forget_imports", every=86400)
def forget_imports() -> None:
    """Delete what old imports left behind."""
    with unit_of_work() as session:
        forgetting.forget_old(session)


@job("customers.look_over", queue=Queue.UPKEEP)
def look_over() -> None:
    """Count every check of the base's quality, each in a transaction of its own, so that pages see them come."""
    with unit_of_work() as session:
        names = counting.names(session)
    for name in names:
        with unit_of_work() as session:
            counting.count(session, name)


@periodic("customers.look_over_daily", every=86400)
def look_over_daily() -> None:
    """Have the base looked over once a day."""
    with unit_of_work() as session:
        counting.ask(session)
