"""Search: the newest turns first, those that the index does not have yet read as they are."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Final

from threadline.errors import ArgumentError
from threadline.ids import unpack_id
from threadline.model.listing import Page, SearchHit
from threadline.store.cursors import read_cursor, write_cursor
from threadline.store.facets import Condition, all_of
from threadline.store.passages import read_passages
from threadline.store.schema import TURN_KINDS
from threadline.store.search_index import indexed_upto, terms_that_begin
from threadline.store.turn_rows import as_json, turns_by_row
from threadline.store.words import snippet

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from threadline.store.filters import Filters
    from threadline.store.passages import Passage
    from threadline.store.turn_rows import TurnRow
    from threadline.store.words import Query, Word

_BY_TIME: Final = "search"
_BY_ROW: Final = "search as stored"
_SORTED: Final = 2_000
"""So many turns are put in the order of their times; more come in the order of their storing."""

_TURN: Final = TURN_KINDS.index("turn")
_NEWEST: Final = 2**62
_TERMS: Final = 1000
_FEW: Final = 500
_FIRST_BATCH, _LARGEST_BATCH = 32, 512


class Search:
    """One search in one store: its words, and the filters that hold beside."""

    def __init__(
        self, connection: sqlite3.Connection, query: Query, filters: Filters, *, now_ns: int
    ) -> None:
        self._connection = connection
        self._query = query
        self._filters = filters
        self._now_ns = now_ns
        self._sets, self._holds, *_ = filters.chosen(
            connection, filters.counted(connection, now_ns=now_ns)
        )
        self._where = all_of(self._conditions())

    def hits(self, limit: int, cursor: str | None) -> Page[SearchHit]:
        """Return the places where all words were said, those of the newest turn first.

        Where they are very many, the turns come in the order in which they were stored: that of
        their times, but for what was taken in from elsewhere.
        """
        order, newest, before, rows = self._begin(cursor)
        found: list[tuple[SearchHit, int]] = []
        skip = before
        for turn, passages in self._verified(_batches(rows)):
            place = turn.started_ns if order == _BY_TIME else turn.id
            hits = _hits_in(turn, passages, self._query)
            skipped = min(skip, len(hits)) if place == newest else 0
            skip -= skipped
            found.extend((hit, place) for hit in hits[skipped:])
            if len(found) > limit:
                break
        page = [hit for hit, _ in found[:limit]]
        if len(found) <= limit:
            return Page(page)
        last = found[limit - 1][1]
        given = sum(1 for _, place in found[:limit] if place == last)
        return Page(page, write_cursor(order, last, given + (before if last == newest else 0)))

    def as_turn_set(self) -> Condition:
        """Return a query for the row ids of all turns that match."""
        words = self._query.words
        is_plain = not self._query.marks and all(len(word.tokens) == 1 for word in words)
        expression = None if self._filters.thread_ids else self._expression()
        if not is_plain or expression is None:
            candidates = _batches(self._candidates(_NEWEST))
            matching = [turn.id for turn, _ in self._verified(candidates)]
            return Condition("SELECT value FROM json_each(?)", (as_json(matching),))
        fresh = _batches(self._not_indexed(_NEWEST))
        matching = [turn.id for turn, _ in self._verified(fresh)]
        return Condition(
            "SELECT rowid FROM search WHERE search MATCH ?"
            " UNION ALL SELECT value FROM json_each(?)",
            (expression, as_json(matching)),
        )

    def _begin(self, cursor: str | None) -> tuple[str, int, int, Iterable[int]]:
        """Return the order, the place in it to begin with, how much of that place was given.

        And the row ids of the turns that may match, newest first, from that place on.
        """
        if cursor is None:
            rows = self._candidates(_NEWEST)
            first = [] if self._is_in_time else list(itertools.islice(rows, _SORTED + 1))
            if len(first) > _SORTED:
                return _BY_ROW, _NEWEST, 0, itertools.chain(first, rows)
            return _BY_TIME, _NEWEST, 0, self._by_time(first or rows, _NEWEST)
        with contextlib.suppress(ArgumentError):
            newest, seen = read_cursor(_BY_ROW, cursor) or (_NEWEST, 0)
            return _BY_ROW, newest, seen, self._candidates(newest)
        newest, seen = read_cursor(_BY_TIME, cursor) or (_NEWEST, 0)
        return _BY_TIME, newest, seen, self._by_time(self._candidates(_NEWEST), newest)

    @property
    def _is_in_time(self) -> bool:
        """Whether the turns can be read in the order of their times, however many they are."""
        return bool(self._filters.thread_ids) or not self._query.words

    def _by_time(self, candidates: Iterable[int], newest: int) -> Iterable[int]:
        few = candidates if self._query.words or self._filters.thread_ids else self._few()
        if few is None:
            rows = "SELECT id FROM turn WHERE started_ns <= ? ORDER BY started_ns DESC, id DESC"
            return _column(self._connection.execute(rows, (newest,)))
        rows = (
            "SELECT t.id FROM json_each(?) AS wanted CROSS JOIN turn t ON t.id = wanted.value"
            " WHERE t.started_ns <= ? ORDER BY t.started_ns DESC, t.id DESC"
        )
        return _column(self._connection.execute(rows, (as_json(few), newest)))

    def _candidates(self, newest: int) -> Iterator[int]:
        """Yield the row ids of turns that may match, newest first."""
        few = [] if self._filters.thread_ids else self._few()
        if self._filters.thread_ids:
            yield from self._of_threads(newest)
        elif few is not None:
            yield from (row for row in few if row <= newest)
        elif not self._query.words:
            rows = "SELECT id FROM turn WHERE id <= ? ORDER BY id DESC"
            yield from _column(self._connection.execute(rows, (newest,)))
        else:
            yield from self._not_indexed(newest)
            yield from self._indexed(newest)

    def _few(self) -> list[int] | None:
        """Return the turns that the filters leave, newest first; None where those are many.

        Few texts are read sooner than all places of a common word.
        """
        if not self._sets:
            return None
        sets = " INTERSECT ".join(f"SELECT * FROM ({found.sql})" for found in self._sets)
        values = [value for found in self._sets for value in found.values]
        rows = f"{sets} ORDER BY 1 DESC LIMIT {_FEW + 1}"
        few = list(_column(self._connection.execute(rows, values)))
        return few if len(few) <= _FEW else None

    def _of_threads(self, newest: int) -> Iterable[int]:
        marks = ",".join("?" * len(self._filters.thread_ids))
        rows = self._connection.execute(
            "SELECT t.id FROM conversation c CROSS JOIN turn t ON t.conversation = c.id"
            f" WHERE c.tenant = ? AND c.thread_id IN ({marks}) AND t.id <= ? ORDER BY t.id DESC",
            (self._filters.tenant, *self._filters.thread_ids, newest),
        )
        return _column(rows)

    def _not_indexed(self, newest: int) -> Iterable[int]:
        rows = "SELECT id FROM turn WHERE id > ? AND id <= ? ORDER BY id DESC"
        upto = indexed_upto(self._connection)
        return _column(self._connection.execute(rows, (upto, newest)))

    def _indexed(self, newest: int) -> Iterable[int]:
        expression = self._expression()
        if expression is None:
            return ()
        rows = "SELECT rowid FROM search WHERE search MATCH ? AND rowid <= ? ORDER BY rowid DESC"
        return _column(self._connection.execute(rows, (expression, newest)))

    def _expression(self) -> str | None:
        """Return the words in the language of the index; None if it cannot have them all."""
        if not self._query.words or indexed_upto(self._connection) == 0:
            return None
        groups = [
            self._group(token, is_prefix=word.is_prefix and number == len(word.tokens))
            for word in self._query.words
            for number, token in enumerate(word.tokens, 1)
        ]
        return " AND ".join(group for group in groups if group) if all(groups) else None

    def _group(self, token: str, *, is_prefix: bool) -> str:
        if not is_prefix:
            return f'"{token}"'
        terms = terms_that_begin(self._connection, token, _TERMS)
        if len(terms) > _TERMS:
            return f'"{token}" *'
        quoted = [f'"{term}"' for term in terms]
        return f"({' OR '.join(quoted)})" if quoted else ""

    def _verified(
        self, batches: Iterable[Sequence[int]]
    ) -> Iterator[tuple[TurnRow, list[Passage]]]:
        for batch in batches:
            turns = turns_by_row(self._connection, self._fitting(batch))
            passages = read_passages(self._connection, turns)
            for turn in turns:
                if _has_all(passages[turn.id], self._query):
                    yield turn, passages[turn.id]

    def _conditions(self) -> Iterator[Condition]:
        filters = self._filters
        yield Condition("c.tenant = ?", (filters.tenant,))
        yield Condition("t.kind = ?", (_TURN,))
        yield from self._holds
        yield from filters.on_time("t.started_ns")
        for found in self._sets:
            yield Condition(f"+t.id IN ({found.sql})", found.values)

    def _fitting(self, turns: Sequence[int]) -> list[int]:
        """Return those of `turns` that the filters let through, in their order."""
        where, values = self._where
        rows = self._connection.execute(
            "SELECT t.id FROM json_each(?) AS wanted CROSS JOIN turn t"
            " CROSS JOIN conversation c ON c.id = t.conversation"
            f" WHERE t.id = wanted.value AND {where} ORDER BY wanted.key",
            (as_json(turns), *values),
        )
        return list(_column(rows))


def _hits_in(turn: TurnRow, passages: Sequence[Passage], query: Query) -> list[SearchHit]:
    """Return where all words are; where they are in no one place, the places that have most."""
    missing = [query.missing_in(passage.text) for passage in passages]
    fewest = min(map(len, missing))
    return [
        _hit(turn, passage, query)
        for passage, absent in zip(passages, missing, strict=True)
        if len(absent) == fewest
    ]


def _has_all(passages: Sequence[Passage], query: Query) -> bool:
    missing: frozenset[Word | str] = query.all
    for passage in passages:
        if missing:
            missing &= query.missing_in(passage.text)
    return not missing


def _hit(turn: TurnRow, passage: Passage, query: Query) -> SearchHit:
    turn_id = unpack_id(turn.turn_id)
    place = passage.position
    return SearchHit(
        thread_id=turn.thread_id,
        turn_id=turn_id,
        message_id=None if place is None else f"{turn_id}:{place - (turn.first_position or 0)}",
        role=passage.role,
        at_ns=passage.at_ns,
        snippet=snippet(passage.text, query),
    )


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Yield batches: small ones first, since the newest often are enough."""
    rows = iter(ids)
    size = _FIRST_BATCH
    while batch := list(itertools.islice(rows, size)):
        yield batch
        size = min(2 * size, _LARGEST_BATCH)


def _column(rows: Iterable[tuple[int]]) -> Iterator[int]:
    return (row[0] for row in rows)
