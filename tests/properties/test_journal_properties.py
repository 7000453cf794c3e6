"""Whatever is appended to a journal is read back; damage costs the frames it touches, no others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadline.store.journal import (
    MAGIC,
    Journal,
    claim_orphans,
    encode_payload,
    journal_name,
    read_journal,
)
from threadline.store.stored_mark import MARK_BYTES, StoredMark, Unstored, unstored_in

if TYPE_CHECKING:
    from pathlib import Path

digests = st.binary(min_size=16, max_size=16)
payloads = st.tuples(
    st.binary(max_size=200), st.dictionaries(digests, st.binary(max_size=200), max_size=4)
)
# what looks like a frame inside of one, too
tricky = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda one, two: one + MAGIC + two, st.binary(max_size=9), st.binary(max_size=20)),
)
tricky_payloads = st.tuples(tricky, st.dictionaries(digests, tricky, max_size=2))
histories = st.lists(st.one_of(payloads, tricky_payloads), max_size=8)
# Each example writes its own files anew, so that they may share one folder.
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def pieces(payload: tuple[bytes, dict[bytes, bytes]]) -> list[bytes]:
    event, bodies = payload
    return [event, *(piece for body in bodies.items() for piece in body)]


def write(folder: Path, history: list[tuple[bytes, dict[bytes, bytes]]]) -> tuple[Path, list[int]]:
    """Write a journal; return its path and where each of its frames ends."""
    path = folder / "one.journal"
    path.unlink(missing_ok=True)
    journal = Journal.create(path)
    ends: list[int] = []
    for event, bodies in history:
        journal.append(encode_payload(event, bodies))
        ends.append(journal.written_bytes)
    journal.abandon()
    return path, ends


@in_one_folder
@given(history=histories)
def test_what_is_appended_is_read_back(
    tmp_path: Path, history: list[tuple[bytes, dict[bytes, bytes]]]
) -> None:
    path, _ = write(tmp_path, history)
    assert list(read_journal(path)) == [pieces(payload) for payload in history]


@in_one_folder
@given(history=histories, data=st.data())
def test_a_torn_end_costs_only_the_frame_it_is_in(
    tmp_path: Path, history: list[tuple[bytes, dict[bytes, bytes]]], data: st.DataObject
) -> None:
    path, ends = write(tmp_path, history)
    whole = path.read_bytes()
    length = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:length])
    kept = [payload for payload, end in zip(history, ends, strict=True) if end <= length]
    assert list(read_journal(path)) == [pieces(payload) for payload in kept]


@in_one_folder
@given(history=histories, data=st.data())
def test_damage_costs_only_the_frames_it_touches(
    tmp_path: Path, history: list[tuple[bytes, dict[bytes, bytes]]], data: st.DataObject
) -> None:
    """Bytes are overwritten anywhere; every other frame is read, in order, and nothing else."""
    path, ends = write(tmp_path, history)
    before = path.read_bytes()
    after = bytearray(before)
    at = data.draw(st.integers(0, len(before)))
    damage = data.draw(st.binary(max_size=40))[: len(before) - at]
    after[at : at + len(damage)] = damage
    path.write_bytes(after)
    intact = [
        pieces(payload)
        for payload, start, end in zip(history, [MARK_BYTES, *ends], ends, strict=False)
        if after[start:end] == before[start:end]
    ]
    assert list(read_journal(path)) == intact


@in_one_folder
@given(noise=st.one_of(st.binary(max_size=400), st.binary(max_size=60).map(lambda b: MAGIC + b)))
def test_noise_is_never_an_event(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "noise.journal"
    path.write_bytes(noise)
    assert list(read_journal(path)) == []


def test_an_append_that_is_taken_only_in_part_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the operating system does when the disk gets full; what follows is read again."""
    full = False

    def write(fd: int, data: bytes) -> int:
        return os.write(fd, data[:9] if full else data)

    monkeypatch.setattr("threadline.store.journal.appender", lambda: write)
    journal = Journal.create(tmp_path / "one.journal")
    journal.append(encode_payload(b"before", {}))
    full = True
    with pytest.raises(OSError, match="only a part"):
        journal.append(encode_payload(b"torn", {}))
    full = False
    journal.append(encode_payload(b"after", {}))
    journal.abandon()
    assert list(read_journal(tmp_path / "one.journal")) == [[b"before"], [b"after"]]


def test_files_of_one_process_are_claimed_together_or_not_at_all(tmp_path: Path) -> None:
    """A turn may stand in several of them; those of a living process are left alone."""
    first, second = (Journal.create(tmp_path / journal_name("aa", n)) for n in (1, 2))
    third = Journal.create(tmp_path / journal_name("bb", 2))
    third.abandon()
    first.abandon()
    [orphans] = claim_orphans(tmp_path)
    assert (orphans.writer, orphans.is_complete) == ("bb", False)
    assert list(claim_orphans(tmp_path)) == [], "it is claimed already"
    orphans.remove()
    second.abandon()
    [orphans] = claim_orphans(tmp_path)
    assert [path.stem[-1] for path in orphans.paths] == ["1", "2"]
    assert orphans.is_complete
    orphans.release()
    [again] = claim_orphans(tmp_path)
    again.remove()
    assert list(tmp_path.iterdir()) == []


@in_one_folder
@given(
    steps=st.lists(st.one_of(payloads, st.integers(0, 2**63 - 2)), max_size=8),
    has_died=st.booleans(),
)
def test_others_see_until_when_all_is_stored(
    tmp_path: Path, steps: list[tuple[bytes, dict[bytes, bytes]] | int], has_died: bool
) -> None:
    """A step appends something, or tells until when what stands there is stored."""
    path = tmp_path / "one.journal"
    path.unlink(missing_ok=True)
    journal = Journal.create(path, mark=StoredMark(7))
    until_ns, is_clean = 7, False
    for step in steps:
        if isinstance(step, int):
            journal.tell_stored(StoredMark(step, journal.quiet_size))
            # what is said to have all says so until something is appended, at whatever time
            until_ns, is_clean = (until_ns if is_clean else step), True
        else:
            journal.append(encode_payload(*step))
            is_clean = False
    if has_died:
        journal.abandon()
    expected = Unstored() if is_clean else Unstored(until_ns, has_orphans=has_died)
    assert unstored_in([path]) == expected
    assert list(read_journal(path)) == [pieces(step) for step in steps if not isinstance(step, int)]
    journal.abandon()
