"""Turns with all that belongs to them, read in a constant number of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.ids import unpack_id
from threadline.store.message_rows import (
    POSITION_MASK,
    MessageRow,
    Owner,
    Range,
    blobs_in,
    ranges_in,
    read_messages,
)
from threadline.store.note_rows import Notes, read_notes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_BLOBS_AT_ONCE: Final = 400
COMMON: Final = 0
"""The conversation of blobs that no user said."""


class TurnRow(NamedTuple):
    """One row of the table `turn`, with what its conversation and its process say."""

    id: int
    turn_id: bytes | str
    conversation: int
    kind: int
    status: int
    started_ns: int
    ended_ns: int | None
    first_position: int | None
    name: str | None
    user_id: str | None
    tags: str | None
    metadata: str | None
    error: str | None
    continues: bytes | str | None
    branch_at: int | None
    request_span: str | None
    tenant: str
    thread_id: str
    app: str | None
    environment: str | None
    release: str | None
    beat_ns: int | None


class SpanRow(NamedTuple):
    """One row of the table `span`."""

    turn: int
    n: int
    parent: int | None
    kind: int
    status: int
    name: str | None
    started: int
    ended: int | None
    first_chunk: int | None
    run_id: bytes | None
    model: str | None
    provider: str | None
    input: str | None
    output: str | None
    request: bytes | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    finish_reason: str | None
    detail: str | None


class ObservationRow(NamedTuple):
    """One row of the table `tool_observation`."""

    turn: int
    n: int
    name: str
    outcome: str
    call_id: str | None
    call_at: int | None
    result_at: int | None
    arguments: str | None
    result: str | None
    error: str | None
    started: int | None
    ended: int | None
    spans: str | None
    decision: str | None


_TURNS: Final = (
    "SELECT t.id, t.turn_id, t.conversation, t.kind, t.status, t.started_ns, t.ended_ns,"
    " t.first_position, t.name, t.user_id, t.tags, t.metadata, t.error, t.continues, t.branch_at,"
    " t.request_span,"
    " c.tenant, c.thread_id, p.app, p.environment, p.release, p.beat_ns"
    " FROM {source} CROSS JOIN conversation c ON c.id = t.conversation"
    " LEFT JOIN process p ON p.id = t.process"
)
_BY_ID: Final = _TURNS.format(source="json_each(?) AS wanted CROSS JOIN turn t") + (
    " WHERE t.id = wanted.value ORDER BY wanted.key"
)
_BY_CONVERSATION: Final = _TURNS.format(source="turn t") + (
    " WHERE t.conversation = ? ORDER BY t.started_ns, t.id"
)
_BY_TURN_ID: Final = _TURNS.format(source="turn t") + " WHERE t.turn_id = ?"
_SPANS: Final = (
    f"SELECT {', '.join(f's.{name}' for name in SpanRow._fields)}"
    " FROM json_each(?) AS wanted CROSS JOIN span s WHERE s.turn = wanted.value"
)
_OBSERVATIONS: Final = (
    f"SELECT {', '.join(f'o.{name}' for name in ObservationRow._fields)}"
    " FROM json_each(?) AS wanted CROSS JOIN tool_observation o WHERE o.turn = wanted.value"
)
_NEXT_FIRST_POSITION: Final = (
    "SELECT t.id, (SELECT min(n.first_position) FROM turn n WHERE n.conversation = t.conversation"
    " AND n.first_position > t.first_position) FROM json_each(?) AS wanted"
    " CROSS JOIN turn t WHERE t.id = wanted.value"
)


class Gathered:
    """All rows that a group of turns is rebuilt from."""

    def __init__(self, turns: Sequence[TurnRow]) -> None:
        self.turns = turns
        self.store_path = ""
        self.spans: dict[int, list[SpanRow]] = {turn.id: [] for turn in turns}
        self.details: dict[tuple[int, int], dict[str, Any]] = {}
        self.observations: dict[int, list[ObservationRow]] = {turn.id: [] for turn in turns}
        self.messages: dict[int, list[MessageRow]] = {turn.conversation: [] for turn in turns}
        self.owners: dict[int, Owner] = {}
        self.blobs: dict[tuple[int, bytes], bytes] = {}
        self.notes = Notes()

    def blob(self, conversation: int, digest: bytes) -> bytes | None:
        """Return the bytes of a blob of `conversation`, or of one that all share."""
        return self.blobs.get((conversation, digest)) or self.blobs.get((COMMON, digest))


def turns_by_row(connection: sqlite3.Connection, rows: Iterable[int]) -> list[TurnRow]:
    """Return the turns of these row ids, in their order."""
    return [TurnRow._make(row) for row in connection.execute(_BY_ID, (as_json(rows),))]


def turns_of(connection: sqlite3.Connection, conversation: int) -> list[TurnRow]:
    """Return the turns of a conversation, oldest first."""
    return [TurnRow._make(row) for row in connection.execute(_BY_CONVERSATION, (conversation,))]


def turn_by_id(connection: sqlite3.Connection, turn_id: bytes | str) -> TurnRow | None:
    """Return the turn of this packed id."""
    row = connection.execute(_BY_TURN_ID, (turn_id,)).fetchone()
    return None if row is None else TurnRow._make(row)


def gather(
    connection: sqlite3.Connection,
    turns: Sequence[TurnRow],
    *,
    whole: int | None = None,
    outline: int | None = None,
    more: Mapping[int, Sequence[Range]] | None = None,
) -> Gathered:
    """Read everything that belongs to `turns`.

    Args:
        connection: The store.
        turns: The turns.
        whole: The row id of a conversation all of whose messages and notes are wanted.
        outline: The row id of a conversation all of whose notes are wanted, and of whose spans
            neither what went in nor what came out: history is most of what a long one holds.
        more: Further messages that are wanted, by the row id of their conversation.
    """
    gathered = Gathered(turns)
    gathered.store_path = connection.execute("PRAGMA database_list").fetchone()[2]
    wanted = as_json(turn.id for turn in turns)
    for read in map(SpanRow._make, connection.execute(_SPANS, (wanted,))):
        span = read if outline is None else read._replace(input=None, output=None)
        gathered.spans[span.turn].append(span)
        if span.detail is not None:
            gathered.details[span.turn, span.n] = msgspec.json.decode(span.detail)
    for seen in map(ObservationRow._make, connection.execute(_OBSERVATIONS, (wanted,))):
        gathered.observations[seen.turn].append(seen)
    ranges = _ranges(connection, gathered) if whole is None else {whole: [(0, POSITION_MASK)]}
    for place, others in (more or {}).items():
        ranges.setdefault(place, []).extend(others)
    for message in read_messages(connection, ranges):
        gathered.messages.setdefault(message.conversation, []).append(message)
    _add_owners(connection, gathered)
    gathered.blobs = read_blobs(connection, set(blobs_needed(gathered)))
    conversations = {turn.conversation for turn in turns} | {one for one in (whole, outline) if one}
    known = {unpack_id(turn.turn_id) for turn in turns}
    gathered.notes = read_notes(connection, conversations, set(gathered.owners), known)
    return gathered


def own_ranges(connection: sqlite3.Connection, turns: Sequence[TurnRow]) -> dict[int, Range]:
    """Return where the messages are that came with each of `turns`.

    Of turns that are not next to each other, the earlier one's range may reach over what came
    with those between.
    """
    by_start = sorted(turns, key=lambda turn: (turn.conversation, turn.first_position or 0))
    last = {turn.conversation: turn.id for turn in by_start}
    ends = dict(connection.execute(_NEXT_FIRST_POSITION, (as_json(last.values()),)).fetchall())
    ranges: dict[int, Range] = {}
    for turn, following in zip(by_start, [*by_start[1:], None], strict=False):
        end = ends.get(turn.id)
        if turn.id not in ends and following is not None:
            end = following.first_position
        if turn.first_position is not None:
            ranges[turn.id] = turn.first_position, POSITION_MASK if end is None else end - 1
    return ranges


def as_json(numbers: Iterable[int]) -> str:
    """Write numbers as a JSON array, for `json_each`."""
    return msgspec.json.encode(list(numbers)).decode()


def by_conversation(turns: Sequence[TurnRow], ranges: dict[int, Range]) -> dict[int, list[Range]]:
    """Group ranges by the conversation of their turn."""
    grouped: dict[int, list[Range]] = {turn.conversation: [] for turn in turns}
    for turn in turns:
        if turn.id in ranges:
            grouped[turn.conversation].append(ranges[turn.id])
    return grouped


def _ranges(connection: sqlite3.Connection, gathered: Gathered) -> dict[int, list[Range]]:
    ranges = by_conversation(gathered.turns, own_ranges(connection, gathered.turns))
    for turn in gathered.turns:
        wanted = ranges[turn.conversation]
        if turn.branch_at is not None and turn.branch_at >= 0:
            wanted.append((turn.branch_at, turn.branch_at))
        for span in gathered.spans[turn.id]:
            wanted.extend(ranges_in(span.input))
            wanted.extend(ranges_in(span.output))
        for seen in gathered.observations[turn.id]:
            wanted.extend((at, at) for at in (seen.call_at, seen.result_at) if at is not None)
    return ranges


def _add_owners(connection: sqlite3.Connection, gathered: Gathered) -> None:
    """Learn which turns the messages came with: their ids are made of those turns' ids."""
    rows: Iterable[tuple[int, bytes | str, int | None]] = [
        (turn.id, turn.turn_id, turn.first_position) for turn in gathered.turns
    ]
    known = {turn.id for turn in gathered.turns}
    needed = {m.turn for rows in gathered.messages.values() for m in rows if m.turn is not None}
    others = connection.execute(
        "SELECT t.id, t.turn_id, t.first_position FROM json_each(?) AS wanted"
        " CROSS JOIN turn t WHERE t.id = wanted.value",
        (as_json(needed - known),),
    )
    for row, turn_id, first_position in (*rows, *others):
        gathered.owners[row] = Owner(unpack_id(turn_id), first_position or 0)


def blobs_needed(gathered: Gathered) -> Iterator[tuple[int, bytes]]:
    """Yield the keys of all blobs that these rows refer to."""
    for turn in gathered.turns:
        place = turn.conversation
        yield from ((place, digest) for digest in blobs_in(turn.metadata))
        for seen in gathered.observations[turn.id]:
            yield from ((place, digest) for digest in blobs_in(seen.arguments, seen.result))
        for span in gathered.spans[turn.id]:
            if span.request is not None:
                yield COMMON, span.request
            yield from ((place, digest) for digest in blobs_in(span.detail))
            named = digests_named_in(gathered.details.get((span.turn, span.n), {}))
            yield from ((place, digest) for digest in named)
    for place, messages in gathered.messages.items():
        for message in messages:
            yield from ((place, digest) for digest in blobs_in(message.parts, message.metadata))


def digests_named_in(detail: dict[str, Any]) -> Iterator[bytes]:
    """Yield the digests of the prompt and the documents that a span's detail names."""
    names = [detail.get("prompt"), *(d.get("text") for d in detail.get("documents", ()))]
    yield from (bytes.fromhex(name) for name in names if isinstance(name, str))


def read_blobs(
    connection: sqlite3.Connection, needed: Collection[tuple[int, bytes]]
) -> dict[tuple[int, bytes], bytes]:
    """Read blobs by conversation and digest."""
    keys = sorted(needed)
    blobs: dict[tuple[int, bytes], bytes] = {}
    for start in range(0, len(keys), _BLOBS_AT_ONCE):
        chunk = keys[start : start + _BLOBS_AT_ONCE]
        rows = connection.execute(
            f"WITH wanted (place, name) AS (VALUES {','.join(['(?,?)'] * len(chunk))})"
            " SELECT b.conversation, b.digest, b.data FROM wanted CROSS JOIN blob b"
            " WHERE b.conversation = wanted.place AND b.digest = wanted.name",
            [value for key in chunk for value in key],
        )
        blobs.update({(place, digest): data for place, digest, data in rows})
    return blobs
