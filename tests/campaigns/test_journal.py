"""The journal of a claim: what it remembers, who may read it, and what a torn tail costs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.mail.smtp import BounceClass, Kind, Outcome
from campaigns.engine import journal
from campaigns.engine.journal import Abandoned, Journal, read
from campaigns.policy import MessageAct
from campaigns.services.write_back import ClaimRef

CLAIM = ClaimRef(7, 3)
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def outcome(kind: Kind, code: int = 250, bounce: BounceClass | None = None) -> Outcome:
    return Outcome("key", kind, code, "2.0.0", "accepted — très bien", bounce, AT)


def filled(var: Path) -> Path:
    """A journal with one message sent, one refused, one given back, one in flight."""
    held = Journal.create(var, CLAIM)
    for contact_id in (11, 12, 14):
        held.intent(contact_id)
    held.outcome(11, outcome(Kind.SENT))
    held.outcome(12, outcome(Kind.FAILED, 550, BounceClass.HARD))
    held.outcome(13, outcome(Kind.NOT_TRIED, 0))
    held.release()
    return journal.folder(var) / "7.journal"


def test_it_tells_what_was_done_and_what_is_in_doubt(tmp_path: Path) -> None:
    found = read(filled(tmp_path))
    assert (found.claim_id, found.campaign_id) == (7, 3)
    assert found.intents == {14}
    assert {contact_id: result.act for contact_id, result in found.results.items()} == {
        11: MessageAct.ACCEPT,
        12: MessageAct.FAIL,
        13: MessageAct.GIVE_BACK,
    }
    refused = found.results[12]
    assert (refused.code, refused.bounce, refused.at, refused.text) == (550, "hard", AT, "accepted — très bien")


def test_a_torn_tail_costs_its_last_record_only(tmp_path: Path) -> None:
    path = filled(tmp_path)
    whole = path.read_bytes()
    counts = set()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        found = read(path)
        counts.add(len(found.results) + len(found.intents))
        assert found.incomplete == (found.campaign_id is None)
        assert set(found.results) <= {11, 12, 13} and found.intents <= {11, 12, 14}
    assert counts == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("position", [0, 1, 20, 45, 60, 90])
def test_damage_in_the_middle_makes_it_worth_nothing(tmp_path: Path, position: int) -> None:
    path = filled(tmp_path)
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
    assert read(path).incomplete


def test_only_the_living_owner_holds_it(tmp_path: Path) -> None:
    held = Journal.create(tmp_path, CLAIM)
    (path,) = journal.abandoned(tmp_path)
    with Abandoned(path) as found:
        assert found is None
    held.release()
    with Abandoned(path) as found:
        assert found is not None
        with Abandoned(path) as second:
            assert second is None


def test_a_lock_does_not_live_on_in_a_child(tmp_path: Path) -> None:
    held = Journal.create(tmp_path, CLAIM)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)
        os._exit(0)
    held.release()
    with Abandoned(journal.folder(tmp_path) / "7.journal") as found:
        assert found is not None
    os.write(writing, b"x")
    os.waitpid(child, 0)


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    Journal.create(tmp_path, CLAIM).delete()
    assert journal.abandoned(tmp_path) == []


def test_a_draft_is_swept_only_when_its_owner_is_dead(tmp_path: Path) -> None:
    draft = journal.folder(tmp_path) / "9.new"
    draft.touch()
    journal.sweep_drafts(tmp_path)
    assert not draft.exists()


def test_a_restart_of_the_machine_makes_it_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path)
    assert not read(path).incomplete
    monkeypatch.setattr(journal, "boot_id", lambda: "another run of the machine")
    found = read(path)
    assert found.incomplete and set(found.results) == {11, 12, 13}


def test_a_journal_that_could_not_be_made_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            Journal.create(tmp_path, CLAIM)
    assert len(os.listdir("/proc/self/fd")) == before
    journal.sweep_drafts(tmp_path)
    Journal.create(tmp_path, CLAIM).delete()
