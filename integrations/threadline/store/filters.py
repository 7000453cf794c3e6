"""The one set of filters, as conditions over turns.

A conversation fits if one of its turns does; only `since` and `until` look at the conversation's
own time. What is said of a user, a tag or metadata may be said of the turn or its conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.ids import storable
from threadline.model.turn import Status
from threadline.store.facets import (
    Condition,
    Counted,
    Facet,
    Split,
    count_facets,
    of_model,
    of_rating,
    of_status,
    of_tag,
    of_tool,
    of_user,
    split,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_FEW_CONVERSATIONS: Final = 500
_RARE: Final = 20


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

    def counted(self, connection: sqlite3.Connection, *, now_ns: int) -> Counted:
        """Count, once for an answer, how many turns have what was asked for."""
        return count_facets(connection, list(self._facets(connection, now_ns=now_ns)))

    def chosen(
        self, connection: sqlite3.Connection, counted: Counted, *, looks_up: bool | None = None
    ) -> Split:
        """Return which turns fit: what few have is looked up, the rest is met on the way.

        Args:
            connection: The store.
            counted: What `counted` returned.
            looks_up: Whether something is looked up even if many turns have it; by default where
                turns must have several things.
        """
        looks_up = len(counted.facets) > 1 if looks_up is None else looks_up
        found = split(connection, counted, looks_up=looks_up)
        entries = [_has_entry(*entry) for entry in self.metadata.items()]
        return found._replace(holds=[*found.holds, *entries], whole=[*found.whole, *entries])

    def _facets(self, connection: sqlite3.Connection, *, now_ns: int) -> Iterator[Facet]:
        if self.user_ids:
            yield of_user(self.user_ids)
        if self.tag is not None:
            yield of_tag(connection, self.tag)
        if self.status is not None:
            yield of_status(self.status, now_ns=now_ns)
        if self.rating is not None:
            yield of_rating(self.rating)
        if self.tool is not None:
            yield of_tool(self.tool)
        if self.model is not None:
            yield of_model(self.model)

    def is_small_tenant(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the tenant's turns are so rare that all are sorted, not the newest found."""
        theirs = "SELECT 1 FROM conversation WHERE tenant = ? LIMIT ?"
        count = _count(connection, theirs, self.tenant, _FEW_CONVERSATIONS)
        everyone = "SELECT 1 FROM conversation WHERE tenant != ? LIMIT ?"
        many = _RARE * (count + 1)
        return (
            count < _FEW_CONVERSATIONS and _count(connection, everyone, self.tenant, many) == many
        )

    def on_time(self, column: str) -> list[Condition]:
        """Return what must hold of a time."""
        conditions: list[Condition] = []
        if self.since_ns is not None:
            conditions.append(Condition(f"{column} >= ?", (self.since_ns,)))
        if self.until_ns is not None:
            conditions.append(Condition(f"{column} <= ?", (self.until_ns,)))
        return conditions


def _count(connection: sqlite3.Connection, rows: str, value: str | None, at_most: int) -> int:
    return connection.execute(f"SELECT count(*) FROM ({rows})", (value, at_most)).fetchone()[0]


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
