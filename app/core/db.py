"""The database: one engine a process, one unit of work an entry point.

An entry point (a view, a task, a command) opens one ``unit_of_work``; services take its session and never
commit. Jobs enqueued inside are published only after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from app.core import config

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

bigint_id = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


class Base(DeclarativeBase):
    """Root of all tables, with names for every constraint so that migrations can refer to them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


_engine: Engine | None = None


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Bind this process to the database at ``url`` (replacing an earlier one) and return its engine."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    # Parameters stay out of errors, for these are logged and kept with failed jobs: they hold people's data.
    _engine = create_engine(url, pool_size=pool_size, max_overflow=8, pool_pre_ping=True, hide_parameters=True)
    return _engine


def engine() -> Engine:
    """Return this process's engine."""
    if _engine is None:
        raise RuntimeError("No database: call app.core.db.connect() first, as the factory does.")
    return _engine


def after_fork() -> None:
    """Forget connections inherited from a parent process, without closing them under the parent."""
    if _engine is not None:
        _engine.dispose(close=False)


# What the database will not take as a value: a text with a NUL, a number out of range.
Unstorable = DataError
# A lock that was not to be had in time, or a deadlock: nothing was done, and it may be tried again.
Busy = OperationalError

AFTER_COMMIT = "permesso.after_commit"


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Run ``action`` once the unit of work that owns ``session`` has committed; never if it rolls back."""
    session.info.setdefault(AFTER_COMMIT, []).append(action)


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Open a session; commit on success and then run what waits for the commit; roll back on any error."""
    with Session(engine(), expire_on_commit=False) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
    for action in session.info.pop(AFTER_COMMIT, []):
        action()


@contextmanager
def snapshot() -> Iterator[Session]:
    """Open a session that reads: all its statements see the same moment of the database, whoever writes meanwhile."""
    reading = engine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(reading, expire_on_commit=False) as session:
        yield session


@contextmanager
def raw(*, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """Open a psycopg connection of its own, for COPY, advisory locks and long sessions; commits on success."""
    with psycopg.connect(config.current().psycopg_url, autocommit=autocommit) as connection:
        yield connection


def driver(session: Session) -> psycopg.Connection:
    """Return the psycopg connection under ``session``, for COPY inside its transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
