"""The one set of filters, as conditions over turns.

A conversation fits if one of its turns does; only `since` and `until` look at the conversation's
own time. What is said of a user, a tag or metadata may be said of the turn or its conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.ids import storable
from threadline.model.turn import Status
from threadline.store.schema import STATUSES
from threadline.store.turn_model import STALE_NS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_RUNNING: Final = STATUSES.index(Status.RUNNING)
_ABANDONED: Final = STATUSES.index(Status.ABANDONED)
_FEW_TURNS: Final = 2_000
_FEW_CONVERSATIONS: Final = 500
_RARE: Final = 20
THUMBS: Final = {"up": "> 0", "down": "< 0"}
"""Ratings by word, and how their values compare."""


class Condition(NamedTuple):
    """A piece of SQL over `t` (turn) and `c` (conversation), with the values it binds."""

    sql: str
    values: tuple[Any, ...] = ()


def all_of(conditions: Iterable[Condition]) -> tuple[str, tuple[Any, ...]]:
    """Join conditions, all of which must hold; returns the SQL and the values it binds."""
    given = list(conditions)
    values = tuple(value for condition in given for value in condition.values)
    return " AND ".join(condition.sql for condition in given), values


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, checked. Ids are all the forms under which the store may hold them."""

    tenant: str = ""
    thread_ids: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()
    tag: str | None = None
    metadata: dict[str, Any] = {}
    status: Status | None = None
    rating: str | float | None = None
    tool: str | None = None
    model: str | None = None
    text: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def on_turns(self, *, now_ns: int) -> list[Condition]:
        """Return what must hold of a turn, its time and its tenant apart."""
        return [
            *self._on_user(),
            *self._on_tag(),
            *(_has_entry(key, value) for key, value in self.metadata.items()),
            *self._on_status(now_ns),
            *self._on_work(),
        ]

    def turn_sets(self, connection: sqlite3.Connection) -> list[Condition]:
        """Return queries for row ids of turns: only turns that all of them give can fit.

        What few turns have is looked for first; what many have is met soon enough on the way
        from the newest turn on: see `on_common`.
        """
        sets = [] if self.rating is None else [_rated(self.rating)]
        if self.tool is not None and not self._is_common(connection):
            used = "SELECT o.turn FROM tool_observation o WHERE o.name = ?"
            sets.append(Condition(used, (self.tool,)))
        return sets

    def on_common(self, connection: sqlite3.Connection) -> list[Condition]:
        """Return what must hold of a turn beside `turn_sets`."""
        if self.tool is None or not self._is_common(connection):
            return []
        used = "SELECT 1 FROM tool_observation o WHERE o.name = ? AND o.turn = t.id"
        return [Condition(f"EXISTS ({used})", (self.tool,))]

    def is_small_tenant(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the tenant's turns are so rare that all are sorted, not the newest found."""
        theirs = "SELECT 1 FROM conversation WHERE tenant = ? LIMIT ?"
        count = _count(connection, theirs, self.tenant, _FEW_CONVERSATIONS)
        everyone = "SELECT 1 FROM conversation WHERE tenant != ? LIMIT ?"
        many = _RARE * (count + 1)
        return (
            count < _FEW_CONVERSATIONS and _count(connection, everyone, self.tenant, many) == many
        )

    def _is_common(self, connection: sqlite3.Connection) -> bool:
        rows = "SELECT 1 FROM tool_observation WHERE name = ? LIMIT ?"
        return _count(connection, rows, self.tool, _FEW_TURNS) == _FEW_TURNS

    def on_time(self, column: str) -> list[Condition]:
        """Return what must hold of a time."""
        conditions: list[Condition] = []
        if self.since_ns is not None:
            conditions.append(Condition(f"{column} >= ?", (self.since_ns,)))
        if self.until_ns is not None:
            conditions.append(Condition(f"{column} <= ?", (self.until_ns,)))
        return conditions

    def _on_user(self) -> list[Condition]:
        if not self.user_ids:
            return []
        marks = ",".join("?" * len(self.user_ids))
        return [Condition(f"coalesce(t.user_id, c.user_id) IN ({marks})", self.user_ids)]

    def _on_tag(self) -> list[Condition]:
        if self.tag is None:
            return []
        holds = "EXISTS (SELECT 1 FROM json_each({}.tags) AS tag WHERE tag.value = ?)"
        return [Condition(f"({holds.format('t')} OR {holds.format('c')})", (self.tag, self.tag))]

    def _on_status(self, now_ns: int) -> list[Condition]:
        if self.status is None:
            return []
        alive = (
            f"(t.status = {_RUNNING} AND EXISTS"
            " (SELECT 1 FROM process p WHERE p.id = t.process AND p.beat_ns >= ?))"
        )
        since_ns = now_ns - STALE_NS
        if self.status is Status.RUNNING:
            return [Condition(alive, (since_ns,))]
        if self.status is Status.ABANDONED:
            both = f"(t.status IN ({_ABANDONED}, {_RUNNING}) AND NOT {alive})"
            return [Condition(both, (since_ns,))]
        return [Condition("t.status = ?", (STATUSES.index(self.status),))]

    def _on_work(self) -> list[Condition]:
        if self.model is None:
            return []
        called = "SELECT 1 FROM span s WHERE s.turn = t.id AND s.model = ?"
        return [Condition(f"EXISTS ({called})", (self.model,))]


def _rated(rating: str | float) -> Condition:
    how = THUMBS.get(str(rating))
    values = () if how is not None else (rating,)
    rated = f"FROM ({_NEWEST_RATINGS}) WHERE age = 1 AND value {how or '= ?'}"
    turns = f"SELECT r.id FROM turn r WHERE r.turn_id IN (SELECT turn_id {rated})"
    whole = (
        f"SELECT r.id FROM turn r WHERE r.conversation IN (SELECT conversation {rated}"
        " AND turn_id IS NULL AND conversation IS NOT NULL)"
    )
    return Condition(f"{turns} UNION {whole}", values * 2)


def _count(connection: sqlite3.Connection, rows: str, value: str | None, at_most: int) -> int:
    return connection.execute(f"SELECT count(*) FROM ({rows})", (value, at_most)).fetchone()[0]


# Whoever judges the same thing again changes his mind: each judge's newest rating counts.
_NEWEST_RATINGS: Final = (
    "SELECT turn_id, conversation, value, row_number() OVER (PARTITION BY turn_id, conversation,"
    " json_extract(record, '$.message_id', '$.span_id', '$.name', '$.source', '$.user_id')"
    " ORDER BY at_ns DESC, id DESC) AS age FROM note WHERE kind = 'rating'"
)


def _has_entry(key: str, value: object) -> Condition:
    """Return the condition that the turn's or the conversation's metadata have this entry."""
    fits, values = _fits(value)
    entries = "SELECT 1 FROM json_each({}.metadata) AS entry"
    holds = f"EXISTS ({entries} WHERE entry.key = ? AND {fits})"
    bound = (key, *values)
    return Condition(f"({holds.format('t')} OR {holds.format('c')})", bound * 2)


def _fits(value: object) -> tuple[str, tuple[Any, ...]]:
    """Return how an entry is compared; a text also fits what is written like it ("2", "true")."""
    if value is None or isinstance(value, bool):
        return "entry.type = ?", (msgspec.json.encode(value).decode(),)
    if isinstance(value, str):
        words = (
            "(entry.atom = ? AND entry.type = 'text'"
            " OR CAST(entry.atom AS TEXT) = ? AND entry.type IN ('integer', 'real')"
            " OR entry.type = ? AND entry.type IN ('true', 'false', 'null'))"
        )
        return words, (storable(value),) * 3
    if isinstance(value, int | float):
        return "entry.atom = ? AND entry.type IN ('integer', 'real')", (value,)
    return "entry.value = json(?)", (msgspec.json.encode(value).decode(),)
