"""A table of messages, one a row: ours, or anybody's with a thread, a role and a text."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from msgspec.structs import replace

from threadline.errors import ArgumentError
from threadline.ids import derived_uuid
from threadline.model import (
    Conversation,
    Message,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    Turn,
)
from threadline.model.message import TOOL, USER
from threadline.store.times import moment_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from threadline.model import Part

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "thread": ("thread_id", "conversation_id", "session_id", "chat_id", "thread", "conversation"),
    "role": ("role", "sender", "author", "speaker"),
    "text": ("text", "message", "content", "body"),
    "at": ("at", "event_timestamp", "timestamp", "created_at", "time", "date"),
    "tenant": ("tenant",),
    "turn": ("turn_id",),
    "id": ("message_id", "id"),
    "place": ("place",),
    "name": ("name",),
    "user": ("user_id", "user"),
    "rating": ("rating",),
    "partial": ("partial",),
    "tool_calls": ("tool_calls",),
    "metadata": ("metadata",),
}
_NEEDED: Final = ("thread", "role", "text")
_ROLES: Final = {"human": "user", "customer": "user", "ai": "assistant", "bot": "assistant"}
_FORMULAS: Final = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_SECONDS: Final = 1e11
"""A number below this counts seconds since 1970, one above it milliseconds."""


class _Row(NamedTuple):
    """One row, by our own words for its columns."""

    number: int
    cells: dict[str, str]

    def get(self, name: str) -> str:
        return self.cells.get(name, "")


def conversations_of_rows(file: TextIO, *, delimiter: str = ",") -> Iterator[Conversation]:
    """Read a table of messages; the conversations come in the order in which they are named.

    Rows without a time stand in the order of the file. Where no turn is named, each message of
    the user begins one.

    Raises:
        ArgumentError: if a column is missing, or a cell cannot be read.
    """
    reader = csv.DictReader(file, delimiter=delimiter, restval="")
    columns = _columns(reader.fieldnames or ())
    threads: dict[tuple[str, str], list[_Row]] = {}
    for number, cells in enumerate(reader, start=2):
        row = _Row(number, {ours: cells[theirs] or "" for ours, theirs in columns.items()})
        threads.setdefault((row.get("tenant"), row.get("thread")), []).append(row)
    for (tenant, thread_id), rows in threads.items():
        yield _conversation(tenant, thread_id, rows)


def _columns(found: Iterable[str]) -> dict[str, str]:
    known = {name.strip().lower(): name for name in found}
    columns = {
        ours: next(known[name] for name in names if name in known)
        for ours, names in _NAMES.items()
        if any(name in known for name in names)
    }
    missing = [_NAMES[name][0] for name in _NEEDED if name not in columns]
    if missing:
        allowed = "one with the columns thread_id, role and text (or message, content)"
        raise ArgumentError(argument="header", value=", ".join(known), allowed=allowed)
    return columns


def _conversation(tenant: str, thread_id: str, rows: Sequence[_Row]) -> Conversation:
    timed = sorted(
        ((_time_ns(row), row) for row in rows),
        key=lambda pair: (pair[0] is None, pair[0] or 0, _int(pair[1].get("place"))),
    )
    groups: dict[str, list[tuple[int | None, _Row]]] = {}
    turn_id, asked = "", False
    for at_ns, row in timed:
        asks = _role(row) == USER
        if row.get("turn"):
            turn_id = row.get("turn")
        elif not turn_id or (asks and asked):
            turn_id, asked = str(derived_uuid(thread_id, "turn", str(len(groups)))), False
        asked = asked or asks
        groups.setdefault(turn_id, []).append((at_ns, row))
    turns = tuple(_turn(ident, thread_id, told) for ident, told in groups.items())
    known = [at_ns for at_ns, _ in timed if at_ns is not None]
    return Conversation(
        thread_id=thread_id,
        tenant=tenant or None,
        user_id=next((row.get("user") for row in rows if row.get("user")), None),
        created_ns=min(known, default=0),
        updated_ns=max(known, default=0),
        turns=tuple(replace(turn, tenant=tenant or None) for turn in turns),
    )


def _turn(ident: str, thread_id: str, told: Sequence[tuple[int | None, _Row]]) -> Turn:
    known = [at_ns for at_ns, _ in told if at_ns is not None]
    messages = [_message(ident, number, *one) for number, one in enumerate(told)]
    return Turn(
        id=ident,
        thread_id=thread_id,
        status=Status.OK,
        started_ns=min(known, default=0),
        ended_ns=max(known, default=None),
        messages=tuple(messages),
    )


def _message(turn_id: str, number: int, at_ns: int | None, row: _Row) -> Message:
    given = row.get("id")
    return Message(
        id=given if given.startswith(f"{turn_id}:") else f"{turn_id}:{number}",
        role=_role(row),
        parts=tuple(_parts(row)),
        name=row.get("name") or None,
        at_ns=at_ns,
        turn_id=turn_id,
        partial=row.get("partial").lower() == "true",
        rating=_number(row) if row.get("rating") else None,
        metadata=cast("dict[str, Any]", _json(row, "metadata") or {}),
    )


def _parts(row: _Row) -> Iterator[Part]:
    text = row.get("text")
    text = text[1:] if text.startswith(_FORMULAS) else text
    if _role(row) == TOOL:
        yield ToolCallResponsePart(text)
    elif text:
        yield TextPart(text)
    for call in cast("list[dict[str, Any]]", _json(row, "tool_calls") or []):
        yield ToolCallPart(str(call.get("name", "")), call.get("arguments"), call.get("id"))


def _role(row: _Row) -> str:
    role = row.get("role").strip().lower()
    return _ROLES.get(role, role)


def _json(row: _Row, name: str) -> object:
    if not row.get(name):
        return None
    try:
        return json.loads(row.get(name))
    except ValueError as error:
        raise _refused(row, name, "JSON") from error


def _number(row: _Row) -> float:
    try:
        return float(row.get("rating"))
    except ValueError as error:
        raise _refused(row, "rating", "a number") from error


def _int(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _time_ns(row: _Row) -> int | None:
    text = row.get("at").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isdecimal():
        number = float(text)
        return round(number * (1e9 if number < _SECONDS else 1e6))
    return moment_ns(f"row {row.number}, at", text, now_ns=0)


def _refused(row: _Row, column: str, allowed: str) -> ArgumentError:
    return ArgumentError(argument=f"row {row.number}, {column}", value="a text", allowed=allowed)
