"""Compares the SQL views of a store with what the reader says of it."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from threadline.store.positions import read_positions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.model import Conversation, Message, Rating, Span, ToolObservation, Turn
    from threadline.store.reader import Reader

Rows = dict[str, dict[str, Any]]


def compare_views(reader: Reader) -> None:
    """Fail where a view says anything else than the reader, or more, or less."""
    turns = list(reader.turns(kind=None, limit=1000))
    threads = dict.fromkeys(turn.thread_id for turn in turns)
    conversations = [c for c in map(reader.conversation, threads) if c is not None]
    with closing(sqlite3.connect(f"file:{reader.path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        messages = _rows(connection, "messages", "message_id")
        assert _rows(connection, "conversations", "thread_id") == {
            one.thread_id: _of(one) for one in conversations
        }
        assert _rows(connection, "turns", "turn_id") == {turn.id: _of_turn(turn) for turn in turns}
        assert _transcript(messages) == _said(conversations)
        _compare_messages(messages, turns)
        spans = _rows(connection, "spans", "span_id")
        _name_messages(spans, messages)
        assert spans == {span.id: _of_span(turn, span) for turn in turns for span in turn.spans}
        assert _rows(connection, "tool_observations", "observation_id") == {
            one.id: _of_tool(turn, one) for turn in turns for one in turn.tool_observations
        }
        assert _rows(connection, "ratings", "rating_id") == _ratings(conversations)


def _rows(connection: sqlite3.Connection, view: str, ident: str) -> Rows:
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {view}")]
    found = {row[ident]: row for row in rows}
    assert len(found) == len(rows), f"two rows of one id in {view}"
    for row in rows:
        for key in ("tags", "metadata", "arguments", "parts"):
            if key in row:
                row[key] = None if row[key] is None else json.loads(row[key])
        for key in ("started_at", "ended_at", "created_at", "updated_at", "at"):
            if row.get(key) is not None:
                row[key] = dt.datetime.fromisoformat(row[key])
        for key in ("conversation", "turn", "first_position", "preview", "duration_ms"):
            row.pop(key, None)
    return found


def _at(nanoseconds: int | None) -> Any:
    return None if nanoseconds is None else _Moment(nanoseconds)


class _Moment:
    """A time that is equal to what a view says of it: to the millisecond."""

    def __init__(self, nanoseconds: int) -> None:
        self._ns = nanoseconds

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, dt.datetime)
        return abs(other.timestamp() * 1e9 - self._ns) <= 1_100_000

    def __hash__(self) -> int:
        return self._ns

    def __repr__(self) -> str:
        return dt.datetime.fromtimestamp(self._ns / 1e9, dt.UTC).isoformat()


def _of(one: Conversation) -> dict[str, Any]:
    return {
        "thread_id": one.thread_id,
        "tenant": one.tenant or "",
        "id_source": one.id_source,
        "user_id": one.user_id,
        "title": one.title,
        "tags": list(one.tags) or None,
        "metadata": one.metadata or None,
        "created_at": _at(one.created_ns),
        "updated_at": _at(one.updated_ns),
        "turn_count": sum(turn.kind == "turn" for turn in one.turns),
        "message_count": sum(len(turn.messages) for turn in one.turns if turn.kind == "turn"),
    }


def _of_turn(turn: Turn) -> dict[str, Any]:
    return {
        "turn_id": turn.id,
        "thread_id": turn.thread_id,
        "tenant": turn.tenant or "",
        "kind": turn.kind,
        "status": turn.status.value,
        "name": turn.name,
        "user_id": turn.user_id,
        "tags": list(turn.tags) or None,
        "metadata": turn.metadata or None,
        "error_type": turn.error and turn.error.type,
        "error_message": turn.error and turn.error.message,
        "started_at": _at(turn.started_ns),
        "ended_at": _at(turn.ended_ns),
        "app": turn.app,
        "environment": turn.environment,
        "release": turn.release,
        "started_ns": turn.started_ns,
    }


def _transcript(messages: Rows) -> list[tuple[str, str, str]]:
    order = sorted(messages.values(), key=lambda row: row["message"])
    found = [row for row in order if row["kind"] != "context"]
    return sorted((row["message_id"], row["role"], row["text"]) for row in found)


def _said(conversations: Iterable[Conversation]) -> list[tuple[str, str, str]]:
    """Every branch: a view leaves it to its reader which one to read."""
    chats = list(conversations)
    found = [m for one in chats for m in one.prelude]
    found += [m for one in chats for t in one.turns if t.kind == "turn" for m in t.messages]
    return sorted((m.id, m.role, m.text) for m in found)


def _compare_messages(rows: Rows, turns: Iterable[Turn]) -> None:
    for turn in turns:
        for message in _met(turn):
            row = rows[message.id]
            parts = row.pop("parts", None)
            if parts is not None and "$blob" not in json.dumps(parts):
                assert parts == json.loads(msgspec.json.encode(message.parts))
            assert {key: row[key] for key in _of_message(message)} == _of_message(message)


def _met(turn: Turn) -> Iterable[Message]:
    yield from turn.messages
    for span in turn.spans:
        yield from (*span.input_messages, *span.output_messages)


def _of_message(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "turn_id": message.turn_id,
        "kind": message.kind,
        "role": message.role,
        "name": message.name,
        "text": message.text,
        "at": _at(message.at_ns),
        "partial": int(message.partial),
        "metadata": message.metadata or None,
    }


def _name_messages(spans: Rows, messages: Rows) -> None:
    """Put the ids of messages in the place of their positions."""
    at = {(row["thread_id"], row["position"]): row["message_id"] for row in messages.values()}
    for span in spans.values():
        for key in ("input", "output"):
            positions = read_positions(span[key])
            span[key] = [at[span["thread_id"], position] for position in positions]


def _of_span(turn: Turn, span: Span) -> dict[str, Any]:
    usage = msgspec.structs.asdict(span.usage) if span.usage is not None else {}
    tokens = ("input", "output", "cache_read", "cache_write", "reasoning")
    first = span.first_chunk_ns
    return {
        "span_id": span.id,
        "parent_id": span.parent_id,
        "turn_id": turn.id,
        "thread_id": turn.thread_id,
        "kind": span.kind,
        "name": span.name,
        "status": span.status,
        "started_at": _at(span.started_ns),
        "ended_at": _at(span.ended_ns),
        "first_chunk_ms": None if first is None else (first - span.started_ns) / 1e6,
        "model": span.model,
        "provider": span.provider,
        **{f"{name}_tokens": usage.get(f"{name}_tokens") for name in tokens},
        "finish_reason": span.finish_reason,
        "error_type": span.error and span.error.type,
        "error_message": span.error and span.error.message,
        "input": [message.id for message in span.input_messages],
        "output": [message.id for message in span.output_messages],
    }


def _of_tool(turn: Turn, one: ToolObservation) -> dict[str, Any]:
    plain = isinstance(one.result, str) or one.result is None
    return {
        "observation_id": one.id,
        "turn_id": turn.id,
        "thread_id": turn.thread_id,
        "name": one.name,
        "outcome": one.outcome,
        "call_id": one.call_id,
        "arguments": one.arguments,
        "result": one.result if plain else _Json(one.result),
        "error_type": one.error and one.error.type,
        "error_message": one.error and one.error.message,
        "started_at": _at(one.started_ns),
        "ended_at": _at(one.ended_ns),
    }


class _Json:
    """A value that is equal to what a view gives as JSON, or as a number."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return (json.loads(other) if isinstance(other, str) else other) == self._value

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return repr(self._value)


def _ratings(conversations: Iterable[Conversation]) -> Rows:
    rows: Rows = {}
    for one in conversations:
        for rating in (*one.ratings, *(r for turn in one.turns for r in turn.ratings)):
            rows[rating.id] = _of_rating(one, rating)
    return rows


def _of_rating(one: Conversation, rating: Rating) -> dict[str, Any]:
    return {
        "rating_id": rating.id,
        "thread_id": one.thread_id,
        "turn_id": rating.turn_id,
        "message_id": rating.message_id,
        "span_id": rating.span_id,
        "name": rating.name,
        "value": rating.value,
        "label": rating.label,
        "comment": rating.comment,
        "source": rating.source,
        "user_id": rating.user_id,
        "at": _at(rating.at_ns),
    }
