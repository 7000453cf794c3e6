"""Stores made row by row, as the writer leaves them: each test says only what it is about."""

from __future__ import annotations

import contextlib
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from threadline.ids import pack_id
from threadline.store import database
from threadline.store.framework_ids import pack_framework_id
from threadline.store.reader import FileDatabase, Reader
from threadline.store.schema import KINDS, ROLES, SPAN_KINDS, STATUSES, TURN_KINDS

if TYPE_CHECKING:
    import sqlite3

    from threadline.model import Event, Feedback, Rating

SECOND = 1_000_000_000
START = 1_795_255_200 * SECOND  # 2026-11-21 10:00:00 UTC
NOW = START + 7200 * SECOND
KEY = b"k" * 32


class StoppedClock:
    """It is two hours after the start; deadlines never pass."""

    def now_ns(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def turn_id(number: int) -> str:
    """The id of the turn in row `number`."""
    return str(uuid.UUID(int=number))


class Stored:
    """A store in the making. Times are seconds after the start."""

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        self.path = path
        self.connection = connection or database.connect_writer(path)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.turns = 0
        self.conversations: dict[tuple[str, str], int] = {}
        self.positions: dict[int, int] = {}
        self.insert("meta", key="hash_key", value=KEY)
        self.process(1)

    @classmethod
    def in_memory(cls) -> Stored:
        """Return a store that has no file."""
        return cls(Path(":memory:"), database.connect_memory())

    def reader(self, **more: Any) -> Reader:
        return Reader(FileDatabase(self.path), self.path, **{"clock": StoppedClock(), **more})

    def close(self) -> None:
        self.connection.close()

    def insert(self, table: str, **columns: Any) -> None:
        marks = ", ".join("?" * len(columns))
        self.connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", list(columns.values())
        )

    def process(self, row: int, *, beat_ns: int = NOW, app: str | None = None) -> None:
        self.insert(
            "process",
            id=row,
            writer=bytes([row]),
            pid=row,
            host="h",
            app=app,
            started_ns=START,
            beat_ns=beat_ns,
        )

    def conversation(self, thread_id: str, *, tenant: str = "", **columns: Any) -> int:
        """Return the row of a conversation; made when first asked for, or with more columns."""
        row = self.conversations.get((tenant, thread_id))
        if row is None:
            row = self.conversations[tenant, thread_id] = len(self.conversations) + 1
            self.positions[row] = 0
            times = {"created_ns": START, "updated_ns": 0}
            self.insert("conversation", id=row, tenant=tenant, thread_id=thread_id, **times)
        for name, value in columns.items():
            packed = json.dumps(value) if isinstance(value, list | dict) else value
            update = f"UPDATE conversation SET {name} = ? WHERE id = ?"
            self.connection.execute(update, (packed, row))
        return row

    def turn(
        self,
        thread_id: str,
        *said: tuple[str, Any],
        at: float = 0,
        tenant: str = "",
        kind: str = "turn",
        status: str = "ok",
        prelude: tuple[tuple[str, Any], ...] = (),
        **columns: Any,
    ) -> str:
        """Add a turn with what was said in it, and return its id."""
        conversation = self.conversation(thread_id, tenant=tenant)
        self.turns += 1
        row = self.turns
        started_ns = START + int(at * SECOND)
        packed = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in columns.items()}
        ident = turn_id(row)
        self.insert(
            "turn",
            **{
                "id": row,
                "turn_id": pack_id(ident),
                "conversation": conversation,
                "kind": TURN_KINDS.index(kind),
                "status": STATUSES.index(status),
                "started_ns": started_ns,
                "ended_ns": None if status == "running" else started_ns + SECOND,
                "first_position": self.positions[conversation],
                "process": 1,
                **packed,
            },
        )
        for role, body in prelude:
            self.message(thread_id, role, body, tenant=tenant, kind="prelude", turn=None)
        for role, body in said:
            spoken = "said" if kind == "turn" else "context"
            self.message(thread_id, role, body, tenant=tenant, kind=spoken, at_ns=started_ns)
        if kind == "turn":
            self.connection.execute(
                "UPDATE conversation SET turns = turns + 1, said = said + ?, last_status = ?,"
                " updated_ns = max(updated_ns, ?), preview = ? WHERE id = ?",
                (len(said), STATUSES.index(status), started_ns + SECOND, thread_id, conversation),
            )
        return ident

    def message(
        self, thread_id: str, role: str, body: Any, *, tenant: str = "", **columns: Any
    ) -> int:
        """Add a message to the newest turn and return its position; a body is a text or parts."""
        conversation = self.conversation(thread_id, tenant=tenant)
        position = self.positions[conversation]
        self.positions[conversation] = position + 1
        is_text = isinstance(body, str)
        self.insert(
            "message",
            **{
                "id": conversation << 24 | position,
                "turn": self.turns,
                "role": ROLES.index(role),
                "text": body if is_text else None,
                "parts": None if is_text else msgspec.json.encode(body).decode(),
                "digest": uuid.uuid5(uuid.NAMESPACE_OID, f"{role}{body}").bytes,
                **columns,
                "kind": KINDS.index(columns.get("kind", "context")),
                "framework_id": pack_framework_id(columns.get("framework_id")),
            },
        )
        self.connection.execute(
            "UPDATE conversation SET next_position = ? WHERE id = ?", (position + 1, conversation)
        )
        return position

    def span(self, n: int, kind: str, name: str = "", **columns: Any) -> None:
        """Add a span to the newest turn; its detail is any JSON value."""
        given = {k: json.dumps(v) if k == "detail" else v for k, v in columns.items()}
        status = STATUSES.index(given.pop("status", "ok"))
        times = {"started": 0, "ended": SECOND}
        self.insert(
            "span",
            **{"turn": self.turns, "n": n, "kind": SPAN_KINDS.index(kind), "name": name}
            | times
            | given
            | {"status": status},
        )

    def observation(self, n: int, name: str, outcome: str = "ok", **columns: Any) -> None:
        """Add a tool observation to the newest turn."""
        self.insert("tool_observation", turn=self.turns, n=n, name=name, outcome=outcome, **columns)

    def blob(self, conversation: int, data: bytes) -> bytes:
        """Add a blob and return its digest."""
        digest = uuid.uuid5(uuid.NAMESPACE_OID, data.hex()).bytes
        self.insert("blob", conversation=conversation, digest=digest, data=data)
        return digest

    def note(self, note: Rating | Feedback | Event, *, tenant: str = "") -> None:
        """Add a rating, feedback or event."""
        thread_id = note.thread_id
        conversation = None if thread_id is None else self.conversation(thread_id, tenant=tenant)
        self.insert(
            "note",
            id=pack_id(note.id),
            kind=str(note.__struct_config__.tag),
            conversation=conversation,
            turn_id=None if note.turn_id is None else pack_id(note.turn_id),
            at_ns=note.at_ns,
            value=getattr(note, "value", None),
            record=msgspec.json.encode(note).decode(),
        )


@contextlib.contextmanager
def counted(reader: Reader, statements: list[str]) -> Any:
    """Collect the statements that a reader of a file runs."""
    with reader._database.read() as connection:
        connection.set_trace_callback(statements.append)
    try:
        yield
    finally:
        with reader._database.read() as connection:
            connection.set_trace_callback(None)
