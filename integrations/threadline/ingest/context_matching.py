"""Which of our entries a Context thread holds already, and under which ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.ingest.context_entries import EVENT_MARK, TURN_MARK, number_of
from threadline.model.message import ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.ingest.context_entries import Entry, Fields

_MARKS: Final = {"message": TURN_MARK, "event": EVENT_MARK}


def found_in(entries: Sequence[Entry], held: Sequence[Fields]) -> list[Fields]:
    """Return, for as many of `entries` from the first on as are there, what they became.

    Turns are told apart by the id that their first message bears in its metadata; where a server
    does not give metadata back, by who spoke and when, since what was said may have been filtered.
    """
    are_marks_kept = any(_mark(one) for one in held)
    found: list[Fields] = []
    start = 0
    for entry in entries:
        for index in range(start, len(held)):
            if _is_same(entry.fields, held[index], are_marks_kept=are_marks_kept):
                found.append(held[index])
                start = index + 1
                break
        else:
            return found
    return found


def ids_given(entries: Sequence[Entry], appended: Sequence[Fields]) -> dict[str, str]:
    """Return by number the ids that a server gave our messages; it may tell of some only."""
    ids: dict[str, str] = {}
    for entry, one in _paired(entries, appended):
        if entry.message_id is not None and isinstance(one.get("id"), str):
            ids[number_of(entry.message_id)] = one["id"]
    return ids


def answer_in(turn_id: str, held: Sequence[Fields]) -> str | None:
    """Return the server's id of the last answer in a turn that another store may have sent."""
    found: str | None = None
    is_inside = False
    for one in held:
        mark = _mark(one) if one.get("role") else None
        is_inside = is_inside if mark is None else mark == turn_id
        if is_inside and one.get("role") == ASSISTANT and isinstance(one.get("id"), str):
            found = one["id"]
    return found


def _paired(entries: Sequence[Entry], appended: Sequence[Fields]) -> Iterator[tuple[Entry, Fields]]:
    """Pair messages in their order where the server tells of all, else where the words are equal.

    Its words may differ from ours: it may have filtered personal data out of them.
    """
    ours = [entry for entry in entries if entry.fields.get("role")]
    theirs = [one for one in appended if one.get("role")]
    if [_speaker(one) for one in theirs] == [_speaker(entry.fields) for entry in ours]:
        yield from zip(ours, theirs, strict=True)
        return
    start = 0
    for one in theirs:
        for index in range(start, len(ours)):
            fields = ours[index].fields
            if _speaker(fields) == _speaker(one) and _text(fields) == _text(one):
                yield ours[index], one
                start = index + 1
                break


def _is_same(ours: Fields, theirs: Fields, *, are_marks_kept: bool) -> bool:
    if _speaker(ours) != _speaker(theirs):
        return False
    mark = _mark(ours)
    if mark is not None and are_marks_kept:
        return _mark(theirs) == mark
    when = _milliseconds(ours), _milliseconds(theirs)
    if None not in when:
        return when[0] == when[1]
    return _text(ours) == _text(theirs)


def _speaker(fields: Fields) -> tuple[str, object]:
    kind = fields.get("type") or "message"
    return kind, fields.get("role" if kind == "message" else "name")


def _text(fields: Fields) -> object:
    return fields.get("observation" if fields.get("type") == "tool" else "message")


def _mark(fields: Fields) -> str | None:
    metadata = fields.get("metadata")
    if not isinstance(metadata, dict):
        return None
    told = cast("dict[str, Any]", metadata).get(_MARKS.get(_speaker(fields)[0], ""))
    return told if isinstance(told, str) else None


def _milliseconds(fields: Fields) -> int | None:
    try:
        moment = datetime.fromisoformat(fields["event_timestamp"])
    except (KeyError, TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
