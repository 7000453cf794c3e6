"""The one set of filters: checked once, and written as conditions over turns.

A conversation fits if one of its turns does; only `since` and `until` look at the conversation's
own time. What is said of a user, a tag or metadata may be said of the turn or its conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict, cast

import msgspec

from threadline.errors import ArgumentError
from threadline.model.turn import Status
from threadline.store.schema import STATUSES
from threadline.store.times import moment_ns
from threadline.store.turn_model import STALE_NS

if TYPE_CHECKING:
    import datetime as dt

MAX_LIMIT: Final = 10_000
_RUNNING: Final = STATUSES.index(Status.RUNNING)
_ABANDONED: Final = STATUSES.index(Status.ABANDONED)
_THUMBS: Final = {"up": "> 0", "down": "< 0"}


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

    def turn_sets(self) -> list[Condition]:
        """Return queries for row ids of turns: only turns that all of them give can fit."""
        sets: list[Condition] = []
        rated = self._rated()
        if rated is not None:
            sets.append(rated)
        if self.tool is not None:
            used = "SELECT o.turn FROM tool_observation o WHERE o.name = ?"
            sets.append(Condition(used, (self.tool,)))
        return sets

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

    def _rated(self) -> Condition | None:
        if self.rating is None:
            return None
        how = _THUMBS.get(str(self.rating))
        values = () if how is not None else (self.rating,)
        rated = f"FROM ({_NEWEST_RATINGS}) WHERE age = 1 AND value {how or '= ?'}"
        turns = f"SELECT r.id FROM turn r WHERE r.turn_id IN (SELECT turn_id {rated})"
        whole = (
            f"SELECT r.id FROM turn r WHERE r.conversation IN (SELECT conversation {rated}"
            " AND turn_id IS NULL AND conversation IS NOT NULL)"
        )
        return Condition(f"{turns} UNION {whole}", values * 2)


# Whoever judges the same thing again changes his mind: each judge's newest rating counts.
_NEWEST_RATINGS: Final = (
    "SELECT turn_id, conversation, value, row_number() OVER (PARTITION BY turn_id, conversation,"
    " json_extract(record, '$.message_id', '$.span_id', '$.name', '$.source', '$.user_id')"
    " ORDER BY at_ns DESC, id DESC) AS age FROM note WHERE kind = 'rating'"
)


class CommonFilters(TypedDict, total=False):
    """The filters that searching and listing share, as callers give them."""

    tenant: str | None
    thread_id: str | None
    user_id: str | None
    tag: str | None
    metadata: Mapping[str, Any] | None
    status: Status | str | None
    rating: float | str | None
    tool: str | None
    model: str | None
    since: dt.datetime | dt.date | str | None
    until: dt.datetime | dt.date | str | None


class FilterArguments(CommonFilters, total=False):
    """The filters of lists, as callers give them."""

    text: str | None


def check_filters(
    given: Mapping[str, Any], *, now_ns: int, forms_of: Callable[[str], tuple[str, ...]]
) -> Filters:
    """Return the filters that were given, checked.

    Args:
        given: `FilterArguments`; what is None counts as not given.
        now_ns: What time it is.
        forms_of: Gives the forms of an id under which the store may hold it.

    Raises:
        ArgumentError: for a filter that does not exist or has a value that it cannot use.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    unknown = next((name for name in wanted if name not in FilterArguments.__annotations__), None)
    if unknown is not None:
        allowed = ", ".join(FilterArguments.__annotations__)
        raise ArgumentError(
            argument=unknown, value=wanted[unknown], allowed=f"one of these filters: {allowed}"
        )
    texts = {name: _text(name, wanted[name]) for name in _TEXTS if name in wanted}
    moments = {
        f"{name}_ns": moment_ns(name, wanted[name], now_ns=now_ns, end=name == "until")
        for name in ("since", "until")
        if name in wanted
    }
    ids = {f"{name}s": forms_of(texts.pop(name)) for name in _IDS if name in texts}
    checked: dict[str, Any] = {**texts, **moments, **ids}
    for name, check in _CHECKS.items():
        if name in wanted:
            checked[name] = check(wanted[name])
    return Filters(**checked)


def check_limit(limit: object) -> int:
    """Return `limit` if it is one.

    Raises:
        ArgumentError: if it is not.
    """
    if isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= MAX_LIMIT:
        return limit
    raise ArgumentError(
        argument="limit", value=limit, allowed=f"a whole number from 1 to {MAX_LIMIT:,}"
    )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise ArgumentError(argument=name, value=value, allowed="a text")


def _status(value: object) -> Status:
    try:
        return Status(cast("str", value))
    except ValueError as error:
        raise ArgumentError(argument="status", value=value, allowed=", ".join(Status)) from error


def _rating(value: object) -> str | float:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and value in _THUMBS:
        return value
    raise ArgumentError(argument="rating", value=value, allowed="a number, 'up' or 'down'")


def _metadata(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value)
        if all(isinstance(key, str) for key in entries):
            return dict(entries)
    wrong = cast("object", value)
    raise ArgumentError(argument="metadata", value=wrong, allowed="a mapping of keys to values")


_IDS: Final = ("thread_id", "user_id")
_TEXTS: Final = (*_IDS, "tenant", "tag", "tool", "model", "text")
_CHECKS: Final[dict[str, Callable[[object], Any]]] = {
    "status": _status,
    "rating": _rating,
    "metadata": _metadata,
}


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
        return words, (value,) * 3
    if isinstance(value, int | float):
        return "entry.atom = ? AND entry.type IN ('integer', 'real')", (value,)
    try:
        return "entry.value = json(?)", (msgspec.json.encode(value).decode(),)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            argument="metadata", value=value, allowed="values that JSON has"
        ) from error
