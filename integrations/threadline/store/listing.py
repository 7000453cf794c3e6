"""Pages of turns and conversations, newest first, each beginning where the one before ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.model.listing import Page
from threadline.store.conversation_rows import CONVERSATION_COLUMNS, ConversationRow, summary_from
from threadline.store.cursors import read_cursor, write_cursor
from threadline.store.facets import Condition, Split, all_of
from threadline.store.schema import TURN_KINDS
from threadline.store.search import Search
from threadline.store.turn_model import Rebuilder
from threadline.store.turn_rows import as_json, gather, turns_by_row
from threadline.store.words import Query

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from threadline.model.listing import ConversationSummary
    from threadline.model.turn import Turn
    from threadline.store.filters import Filters

_TURNS: Final = "turns"
_CONVERSATIONS: Final = "conversations"
_TURN: Final = TURN_KINDS.index("turn")
_NEWEST_FIRST: Final = "c.updated_ns DESC, c.id DESC"
_LOOKED_THROUGH: Final = 500
"""How many of the newest conversations are looked through before anything is looked up."""

_PROMISING: Final = 10
"""So many times as many are, where so large a part of a page was among them."""


class Listing:
    """What all pages have in common: the filters, how many, what time it is."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        filters: Filters,
        *,
        limit: int,
        now_ns: int,
    ) -> None:
        self._connection = connection
        self._filters = filters
        self._limit = limit
        self._now_ns = now_ns
        self._counted = filters.counted(connection, now_ns=now_ns)

    def _chosen(self, *, looks_up: bool | None) -> Split:
        found = self._filters.chosen(self._connection, self._counted, looks_up=looks_up)
        if self._filters.text is None:
            return found
        query = Query.parse(self._filters.text)
        search = Search(self._connection, query, self._filters, now_ns=self._now_ns)
        return found._replace(sets=[*found.sets, search.as_turn_set()], around=None)

    def turns(self, cursor: str | None, kind: str | None) -> Page[Turn]:
        """Return turns with all that belongs to them."""
        split = self._chosen(looks_up=None if self._filters.text is None else False)
        conditions = _before("t.started_ns, t.id", read_cursor(_TURNS, cursor))
        if kind is not None:
            conditions.append(Condition("t.kind = ?", (TURN_KINDS.index(kind),)))
        found = self._turn_rows(split, conditions)
        rows = turns_by_row(self._connection, [row for row, _ in found[: self._limit]])
        turns = Rebuilder(gather(self._connection, rows), now_ns=self._now_ns).turns()
        if len(found) <= self._limit:
            return Page(turns)
        return Page(turns, write_cursor(_TURNS, rows[-1].started_ns, rows[-1].id))

    def among(self, rows: Sequence[int]) -> tuple[Turn, ...]:
        """Return those of some turns that fit, by their row ids, in this order; `limit` or less."""
        wanted = Condition("t.id IN (SELECT value FROM json_each(?))", (as_json(rows),))
        fit = {row for row, _ in self._turn_rows(self._chosen(looks_up=False), [wanted])}
        found = turns_by_row(self._connection, [row for row in rows if row in fit])
        return Rebuilder(gather(self._connection, found), now_ns=self._now_ns).turns()

    def _turn_rows(self, split: Split, more: Sequence[Condition]) -> list[tuple[Any, ...]]:
        """Return the row ids and the times of turns that fit, the newest first."""
        conditions = [
            Condition("c.tenant = ?", (self._filters.tenant,)),
            *split.holds,
            *(_in_set("t.id", found) for found in split.sets),
            *self._filters.on_time("t.started_ns"),
            *more,
        ]
        if self._filters.thread_ids:
            conditions.append(_any_of("c.thread_id", self._filters.thread_ids))
        source = "turn t CROSS JOIN conversation c ON c.id = t.conversation"
        if self._filters.thread_ids or self._filters.is_small_tenant(self._connection):
            source = "conversation c CROSS JOIN turn t ON t.conversation = c.id"
        return self._page("t.id, t.started_ns", source, conditions, "t.started_ns DESC, t.id DESC")

    def conversations(self, cursor: str | None) -> Page[ConversationSummary]:
        """Return short forms of the conversations in which something was said."""
        conditions = [
            Condition("c.tenant = ?", (self._filters.tenant,)),
            Condition("c.turns > 0"),
            *self._filters.on_time("c.updated_ns"),
            *_before("c.updated_ns, c.id", read_cursor(_CONVERSATIONS, cursor)),
        ]
        if self._filters.thread_ids:
            conditions.append(_any_of("c.thread_id", self._filters.thread_ids))
        found = self._conversation_rows(conditions)
        rows = [ConversationRow._make(row) for row in found[: self._limit]]
        summaries = [summary_from(row, now_ns=self._now_ns) for row in rows]
        if len(found) <= self._limit:
            return Page(summaries)
        return Page(summaries, write_cursor(_CONVERSATIONS, rows[-1].updated_ns, rows[-1].id))

    def _conversation_rows(self, conditions: Sequence[Condition]) -> list[tuple[Any, ...]]:
        """Return what fits; what many turns have is met among the newest, or else looked up."""
        split = self._chosen(looks_up=False)
        if split.sets or split.around is not None:
            return self._looked_up(split, conditions)
        if not split.holds or self._filters.thread_ids:
            return self._walked([*conditions, *_with_a_turn(split.holds)])
        found = self._among_newest(_LOOKED_THROUGH, split, conditions)
        if self._limit >= len(found) > self._limit // _PROMISING:
            found = self._among_newest(_PROMISING * _LOOKED_THROUGH, split, conditions)
        if len(found) > self._limit:
            return found
        return self._looked_up(self._chosen(looks_up=True), conditions)

    def _among_newest(
        self, count: int, split: Split, conditions: Sequence[Condition]
    ) -> list[tuple[Any, ...]]:
        """Go through so many of the newest conversations that the rest holds for."""
        where, values = all_of(conditions)
        newest = f"SELECT c.updated_ns FROM conversation c WHERE {where} ORDER BY {_NEWEST_FIRST}"
        since = f"(SELECT min(updated_ns) FROM ({newest} LIMIT {count}))"
        among = Condition(f"c.updated_ns >= {since}", values)
        return self._walked([*conditions, among, *_with_a_turn(split.holds)])

    def _looked_up(self, split: Split, conditions: Sequence[Condition]) -> list[tuple[Any, ...]]:
        """Go from conversations or turns that were looked up to those conversations that fit."""
        if not (split.sets or split.around):  # many have all of it
            return self._walked([*conditions, *_with_a_turn(split.whole)])
        if split.around is not None:
            around = _in_set("c.id", split.around)
            fits = [around, *_with_a_turn(split.whole)]
        else:
            sets = (_in_set("t.id", found) for found in split.sets)
            where, values = all_of([Condition(f"t.kind = {_TURN}"), *sets, *split.holds])
            source = "turn t CROSS JOIN conversation c ON c.id = t.conversation"
            turns = f"SELECT t.conversation FROM {source} WHERE {where}"
            fits = [Condition(f"c.id IN ({turns})", values)]
        if not split.is_few:  # many are met in their order
            return self._walked([*fits, *conditions])
        own = [Condition(sql.replace("c.tenant", "+c.tenant"), v) for sql, v in conditions]
        order = _NEWEST_FIRST.replace("c.", "+c.")  # few are sorted
        return self._page(CONVERSATION_COLUMNS, "conversation c", [*fits, *own], order)

    def _walked(self, conditions: Sequence[Condition]) -> list[tuple[Any, ...]]:
        """Go from the newest conversation on."""
        return self._page(CONVERSATION_COLUMNS, "conversation c", conditions, _NEWEST_FIRST)

    def _page(
        self, columns: str, source: str, conditions: Sequence[Condition], order: str
    ) -> list[tuple[Any, ...]]:
        """Return one more than wanted, to tell whether there are more."""
        where, values = all_of(conditions)
        return self._connection.execute(
            f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {order} LIMIT ?",
            (*values, self._limit + 1),
        ).fetchall()


def _with_a_turn(holds: Sequence[Condition]) -> list[Condition]:
    """Return the condition that one turn of a conversation has all of this."""
    if not holds:
        return []
    where, values = all_of([Condition(f"t.kind = {_TURN}"), *holds])
    turn = f"SELECT 1 FROM turn t WHERE t.conversation = c.id AND {where}"
    return [Condition(f"EXISTS ({turn})", values)]


def _before(columns: str, place: tuple[int, int] | None) -> list[Condition]:
    return [] if place is None else [Condition(f"({columns}) < (?, ?)", place)]


def _any_of(column: str, values: tuple[str, ...]) -> Condition:
    return Condition(f"{column} IN ({','.join('?' * len(values))})", values)


def _in_set(column: str, found: Condition) -> Condition:
    return Condition(f"{column} IN ({found.sql})", found.values)
