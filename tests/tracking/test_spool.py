"""The spool: framing, damage, and who may delete a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.engine import spool
from tracking.engine.spool import Spool
from tracking.policy.hits import Hit, decode, encode

LATEST = 4_000_000_000_000_000


@given(
    st.builds(
        Hit,
        st.integers(1_577_836_800_000_000, LATEST),
        st.just("click"),
        st.integers(1, 2**31 - 1),
        st.integers(0, 2**63 - 1),
        st.integers(0, 32_766),
        st.sampled_from(["GET", "HEAD"]),
        st.sampled_from(["", "prefetch"]),
        st.sampled_from(["", "192.0.2.1", "2001:db8::1"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=512),
    )
)
def test_a_hit_survives_the_spool(hit: Hit) -> None:
    assert decode(encode(hit), LATEST) == hit


@given(st.binary(max_size=200))
def test_any_payload_is_a_hit_or_refused_with_a_reason(payload: bytes) -> None:
    try:
        assert decode(payload, LATEST).campaign_id > 0
    except ValueError as error:
        assert str(error)


@given(st.lists(st.binary(max_size=60), max_size=8), st.data())
def test_what_is_read_in_pieces_is_what_was_written(payloads: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(map(spool.frame, payloads))
    at, read = 0, []
    while at < len(whole):
        end = data.draw(st.integers(at + 1, len(whole)))
        part = spool.parse(whole[at:end], at, final=False)
        read += [frame.payload for frame in part.frames]
        assert part.damages == []
        at = part.end if part.end > at else (end if end == len(whole) else at)
    assert read == payloads


def test_damage_costs_what_is_damaged_and_no_more() -> None:
    frames = [spool.frame(b"payload %d" % n) for n in range(5)]
    flipped = bytearray(frames[2])
    flipped[-1] ^= 1
    data = frames[0] + frames[1][:-4] + bytes(flipped) + frames[3] + frames[4][:-1]
    read = spool.parse(data, 100, final=True)
    assert [frame.payload for frame in read.frames] == [b"payload 0", b"payload 3"]
    assert [damage.offset for damage in read.damages] == [100 + 17, 100 + len(data) - 16]
    assert read.end == 100 + len(data)
    assert b"".join(damage.data for damage in read.damages) == frames[1][:-4] + bytes(flipped) + frames[4][:-1]


def test_an_unfinished_frame_waits_for_its_rest() -> None:
    data = spool.frame(b"one") + spool.frame(b"two")
    read = spool.parse(data[:-1], 0, final=False)
    assert [frame.payload for frame in read.frames] == [b"one"]
    assert read.end == len(spool.frame(b"one"))


def test_a_file_is_closed_when_its_writer_is(tmp_path: Path) -> None:
    writer = Spool(tmp_path, "host", max_bytes=30)
    writer.append(b"first")
    (path,) = spool.files(tmp_path, "host")
    assert not spool.is_closed(path)
    writer.append(b"x" * 30)
    assert spool.is_closed(path)
    writer.append(b"next")
    assert len(list(spool.files(tmp_path, "host"))) == 2
    writer.close()
    assert spool.backlog(tmp_path, "host").files == 2


def test_a_forked_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    writer = Spool(tmp_path, "host")
    writer.append(b"parent")
    child = os.fork()
    if child == 0:
        writer.append(b"child")
        os._exit(0)
    os.waitpid(child, 0)
    writer.append(b"parent again")
    read = [spool.parse(path.read_bytes(), 0, final=True).frames for path in spool.files(tmp_path, "host")]
    assert sorted([frame.payload for frame in frames] for frames in read) == [[b"child"], [b"parent", b"parent again"]]
    writer.close()


def test_a_spool_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Spool(tmp_path / "file" / "spool", "host").append(b"hit")
