"""What was said in a turn, as texts to search in: its messages and what its tools were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.model.parts import TextPart, ToolCallPart, ToolCallResponsePart
from threadline.store.message_rows import MessageRow, blobs_in, read_messages
from threadline.store.schema import KINDS, ROLES, TURN_KINDS, word_of
from threadline.store.turn_rows import as_json, by_conversation, own_ranges, read_blobs
from threadline.store.values import unpack_parts, unpack_value
from threadline.store.words import flat_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from threadline.model.parts import Part
    from threadline.store.turn_rows import TurnRow

_SAID: Final = KINDS.index("said")
_TURN: Final = TURN_KINDS.index("turn")


class Passage(NamedTuple):
    """One text of a turn; `position` is None for what only a tool observation holds."""

    position: int | None
    role: str
    at_ns: int | None
    text: str


class _Observed(NamedTuple):
    turn: int
    name: str
    arguments: str | None
    result: str | None
    is_called: bool
    started: int | None


def read_passages(
    connection: sqlite3.Connection, turns: Sequence[TurnRow]
) -> dict[int, list[Passage]]:
    """Return the passages of turns, by row id; traces have none."""
    told = {turn.id: turn for turn in turns if turn.kind == _TURN}
    passages: dict[int, list[Passage]] = {turn.id: [] for turn in turns}
    asked = list(told.values())
    ranges = by_conversation(asked, own_ranges(connection, asked))
    rows = [r for r in read_messages(connection, ranges) if r.turn in told and r.kind == _SAID]
    observed = list(_observed(connection, told))
    blobs = read_blobs(connection, set(_blobs_of(rows, observed, told)))
    for row in rows:
        if row.turn is not None:
            text = _said(row, lambda digest, place=row.conversation: blobs.get((place, digest)))
            passage = Passage(row.position, word_of(row.role, ROLES), row.at_ns, text)
            passages[row.turn].append(passage)
    for seen in observed:
        turn = told[seen.turn]
        text = _used(seen, lambda digest, place=turn.conversation: blobs.get((place, digest)))
        if text:
            at_ns = turn.started_ns + (seen.started or 0)
            passages[seen.turn].append(Passage(None, "tool", at_ns, text))
    return passages


def _observed(connection: sqlite3.Connection, turns: Iterable[int]) -> Iterator[_Observed]:
    rows = connection.execute(
        "SELECT o.turn, o.name, o.arguments, o.result, o.call_at IS NOT NULL, o.started"
        " FROM json_each(?) AS wanted CROSS JOIN tool_observation o WHERE o.turn = wanted.value",
        (as_json(turns),),
    )
    return map(_Observed._make, rows)


def _blobs_of(
    rows: Iterable[MessageRow], observed: Iterable[_Observed], turns: dict[int, TurnRow]
) -> Iterator[tuple[int, bytes]]:
    for row in rows:
        yield from ((row.conversation, digest) for digest in blobs_in(row.parts))
    for seen in observed:
        place = turns[seen.turn].conversation
        yield from ((place, digest) for digest in blobs_in(seen.arguments, seen.result))


def _said(row: MessageRow, blob: Callable[[bytes], bytes | None]) -> str:
    if row.parts is None:
        return row.text or ""
    return "\n".join(filter(None, map(_words, unpack_parts(row.text, row.parts, blob))))


def _words(part: Part) -> str:
    if isinstance(part, TextPart):
        return part.content
    if isinstance(part, ToolCallPart):
        return f"{part.name} {flat_text(part.arguments)}"
    if isinstance(part, ToolCallResponsePart):
        return flat_text(part.response)
    return ""


def _used(seen: _Observed, blob: Callable[[bytes], bytes | None]) -> str:
    """What no message tells of an observation: a tool nobody asked for, other arguments."""
    values = [flat_text(unpack_value(text, blob)) for text in (seen.arguments, seen.result)]
    return " ".join(filter(None, ["" if seen.is_called else seen.name, *values]))
