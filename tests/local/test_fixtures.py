"""The fixtures hold what they promise."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import text


def test_a_session_is_rolled_back_even_after_commit(session, room):
    session.execute(text("INSERT INTO job (name, queue, args, due_at) VALUES ('x', 'system', '[]', now())"))
    session.commit()
    with room.connect() as other:
        assert other.scalar(text("SELECT count(*) FROM job")) == 0


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_its_own_database(db, turn):
    with db.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM job")) == 0
        connection.execute(text("INSERT INTO job (name, queue, args, due_at) VALUES ('x', 'system', '[]', now())"))


def test_nothing_leaves_the_machine():
    with pytest.raises(AssertionError, match="stay on this machine"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
