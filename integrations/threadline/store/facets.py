"""What turns have in common, and how those are found that have it: by an index, or on the way.

What few turns have is looked up first; what many have is met soon enough on the way from the newest
turn on. Where several things are asked for that many turns have, perhaps none has all of them: the
turns that have the rarest are gone through, and looked up if few of them have the others too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.model.turn import Status
from threadline.store.schema import STATUSES
from threadline.store.turn_model import STALE_NS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

FEW_TURNS: Final = 4_000
_SOME_TURNS: Final = 30_000
_MOST_COUNTED: Final = 60_000
_FEW_EXPECTED: Final = 200
_MOST_TAG_LISTS: Final = 1_000
_NO_LIST: Final = "[]"
_OK: Final = STATUSES.index(Status.OK)
_RUNNING: Final = STATUSES.index(Status.RUNNING)
_ABANDONED: Final = STATUSES.index(Status.ABANDONED)
THUMBS: Final = {"up": "> 0", "down": "< 0"}
"""Ratings by word, and how their values compare."""


class Condition(NamedTuple):
    """A piece of SQL over `t` (turn) and `c` (conversation), with the values it binds."""

    sql: str
    values: tuple[Any, ...] = ()


_ALWAYS: Final = Condition("1")


class Facet(NamedTuple):
    """Something that a turn has or has not.

    Attributes:
        turns: A query for the row ids of all turns that have it; None where no index helps.
        holds: What is true of one turn that has it.
        counted: A query for at least as many rows, where counting `turns` itself is dear.
        perhaps: A query for these turns and some others, where `turns` itself is dear.
        around: A query for the row ids of conversations, the only ones that can have such a turn.
        by_row: Whether `holds` needs no more of a turn than its row id: an index tells the rest.
    """

    turns: Condition | None
    holds: Condition
    counted: Condition | None = None
    perhaps: Condition | None = None
    around: Condition | None = None
    by_row: bool = False


class Split(NamedTuple):
    """How turns are found that have all of some facets.

    Attributes:
        sets: Queries for row ids, all of which must give a turn.
        holds: What must hold of a turn beside.
        whole: What holds of a turn without the sets.
        around: A query for row ids of conversations, the only ones that can have such a turn.
        is_few: Whether the sets, and `around`, are small enough to begin with them.
    """

    sets: list[Condition]
    holds: list[Condition]
    whole: list[Condition]
    around: Condition | None = None
    is_few: bool = False


class Counted(NamedTuple):
    """What turns must have, and how many turns have each of it, as far as that is worth counting.

    `total` is how many turns there are.
    """

    facets: Sequence[Facet]
    counts: Sequence[int]
    total: int


def count_facets(connection: sqlite3.Connection, facets: Sequence[Facet]) -> Counted:
    """Count how many turns have each of `facets`."""
    total: int = connection.execute("SELECT coalesce(max(id), 0) FROM turn").fetchone()[0]
    most = _SOME_TURNS if len(facets) == 1 else _MOST_COUNTED
    return Counted(facets, [_count(connection, facet, most, total) for facet in facets], total)


def split(connection: sqlite3.Connection, counted: Counted, *, looks_up: bool) -> Split:
    """Tell how turns are found that have all that was counted.

    Args:
        connection: The store.
        counted: What turns must have.
        looks_up: Whether something is looked up even if many turns have it.
    """
    facets, counts, total = counted
    if not facets:
        return Split([], [], [])
    order = sorted(range(len(facets)), key=counts.__getitem__)
    whole = [facet.holds for facet in facets]
    rarest, *others = (facets[place] for place in order)
    chosen = [place for place in order if counts[place] < FEW_TURNS]
    is_few, are_some = bool(chosen), counts[order[0]] < _SOME_TURNS
    if not is_few and others and (looks_up or _expected(total, counts) < _FEW_EXPECTED):
        few = _few_with_all(connection, rarest, others)
        if few is not None:
            return Split([few], [], whole, is_few=True)
    if not is_few and looks_up and not others and rarest.turns is not None:
        chosen = order[:1]
    sets = [turns for place in chosen if (turns := facets[place].turns) is not None]
    rest = [facet.holds for place, facet in enumerate(facets) if place not in chosen]
    around = rarest.around if looks_up or are_some else None
    return Split(sets, rest, whole, around, is_few)


def _expected(total: int, counts: Sequence[int]) -> float:
    """Return how many turns would have everything, if no two things had to do with each other."""
    return total * math.prod(min(1.0, count / max(1, total)) for count in counts)


def _few_with_all(
    connection: sqlite3.Connection, rarest: Facet, others: Sequence[Facet]
) -> Condition | None:
    """Return the turns that have the rarest facet and all others; None where they are not few."""
    source = rarest.perhaps or rarest.turns
    if source is None:
        return None
    unsure = [rarest] if rarest.perhaps is not None else []
    by_row, values = all_of([_ALWAYS, *(o.holds for o in others if o.by_row)])
    by_turn, more = all_of([_ALWAYS, *(o.holds for o in (*others, *unsure) if not o.by_row)])
    with_conversation = " CROSS JOIN conversation c ON c.id = t.conversation"
    # the inner limit keeps SQLite from reading turns before it has asked the indexes
    rows = connection.execute(
        f"WITH rare (id) AS ({source.sql}),"
        f" known AS (SELECT t.id FROM rare t WHERE {by_row} LIMIT -1)"
        " SELECT t.id FROM known CROSS JOIN turn t ON t.id = known.id"
        f"{with_conversation if 'c.' in by_turn else ''} WHERE {by_turn} LIMIT {FEW_TURNS}",
        (*source.values, *values, *more),
    ).fetchall()
    if len(rows) >= FEW_TURNS:
        return None
    listed = msgspec.json.encode([row for (row,) in rows]).decode()
    return Condition("SELECT value FROM json_each(?)", (listed,))


def _count(connection: sqlite3.Connection, facet: Facet, most: int, total: int) -> int:
    """Return how many turns have it, as far as they are worth counting."""
    found = facet.counted or facet.turns
    if found is None:
        return max(total, most + 1)
    counted = f"SELECT count(*) FROM (SELECT * FROM ({found.sql}) LIMIT {most})"
    return connection.execute(counted, found.values).fetchone()[0]


def of_user(user_ids: tuple[str, ...]) -> Facet:
    """Said of the turn, or of its conversation where the turn says nothing."""
    marks = ",".join("?" * len(user_ids))
    return Facet(
        Condition(
            f"SELECT id FROM turn WHERE user_id IN ({marks})"
            " UNION ALL SELECT u.id FROM conversation v CROSS JOIN turn u"
            f" ON u.conversation = v.id WHERE v.user_id IN ({marks}) AND u.user_id IS NULL",
            user_ids * 2,
        ),
        Condition(
            f"(t.user_id IN ({marks}) OR t.user_id IS NULL AND c.user_id IN ({marks}))",
            user_ids * 2,
        ),
        around=Condition(
            f"SELECT conversation FROM turn WHERE user_id IN ({marks})"
            f" UNION ALL SELECT id FROM conversation WHERE user_id IN ({marks})",
            user_ids * 2,
        ),
    )


def of_tag(connection: sqlite3.Connection, tag: str) -> Facet:
    """Said of the turn or of its conversation; lists of tags are far fewer than turns."""
    own, theirs = (_lists_with(connection, table, tag) for table in ("turn", "conversation"))
    if own is None or theirs is None:
        holds = "EXISTS (SELECT 1 FROM json_each({}.tags) AS tag WHERE tag.value = ?)"
        either = f"({holds.format('t')} OR {holds.format('c')})"
        return Facet(None, Condition(either, (tag, tag)))
    listed = "{} IN (SELECT value FROM json_each(?))"
    return Facet(
        Condition(
            f"SELECT id FROM turn WHERE {listed.format('tags')}"
            " UNION ALL SELECT u.id FROM conversation v CROSS JOIN turn u ON u.conversation = v.id"
            f" WHERE {listed.format('v.tags')}",
            (own, theirs),
        ),
        _either_tags(own, theirs, listed),
        around=Condition(
            f"SELECT conversation FROM turn WHERE {listed.format('tags')}"
            f" UNION ALL SELECT id FROM conversation WHERE {listed.format('tags')}",
            (own, theirs),
        ),
    )


def _either_tags(own: str, theirs: str, listed: str) -> Condition:
    """Return what holds of a turn; conversations are not looked at where none has such a list."""
    if theirs == _NO_LIST:
        return Condition(listed.format("t.tags"), (own,))
    return Condition(f"({listed.format('t.tags')} OR {listed.format('c.tags')})", (own, theirs))


def _lists_with(connection: sqlite3.Connection, table: str, tag: str) -> str | None:
    """Return the lists of tags that have this one, as a JSON array; None where they are many."""
    rows = connection.execute(
        f"WITH RECURSIVE list (tags) AS (SELECT min(tags) FROM {table}"
        " WHERE tags IS NOT NULL UNION ALL"
        f" SELECT (SELECT min(o.tags) FROM {table} o WHERE o.tags > list.tags) FROM list"
        f" WHERE list.tags IS NOT NULL LIMIT {_MOST_TAG_LISTS + 1})"
        " SELECT tags FROM list WHERE tags IS NOT NULL"
    ).fetchall()
    if len(rows) >= _MOST_TAG_LISTS:
        return None
    having = [tags for (tags,) in rows if tag in msgspec.json.decode(tags)]
    return msgspec.json.encode(having).decode()


def of_status(status: Status, *, now_ns: int) -> Facet:
    """How a turn ended; one under way whose process shows no sign of life is abandoned."""
    alive = (
        f"(t.status = {_RUNNING} AND EXISTS"
        " (SELECT 1 FROM process p WHERE p.id = t.process AND p.beat_ns >= ?))"
    )
    since = (now_ns - STALE_NS,)
    if status is Status.OK:
        return Facet(None, Condition(f"t.status = {_OK}"))
    if status is Status.RUNNING:
        holds, values = alive, since
    elif status is Status.ABANDONED:
        holds, values = f"(t.status IN ({_ABANDONED}, {_RUNNING}) AND NOT {alive})", since
    else:
        # the index leaves out what ended well, and is used only where that is said
        code = STATUSES.index(status)
        holds, values = f"t.status = {code} AND t.status <> {_OK}", ()
    found = f"SELECT t.{{}} FROM turn t WHERE t.status <> {_OK} AND {holds}"
    return Facet(
        Condition(found.format("id"), values),
        Condition(holds, values),
        around=Condition(found.format("conversation"), values),
    )


def of_tool(name: str) -> Facet:
    """Which tool was used."""
    return Facet(
        Condition("SELECT o.turn FROM tool_observation o WHERE o.name = ?", (name,)),
        Condition(
            "EXISTS (SELECT 1 FROM tool_observation o WHERE o.name = ? AND o.turn = t.id)", (name,)
        ),
        by_row=True,
    )


def of_model(name: str) -> Facet:
    """Which model answered."""
    return Facet(
        Condition("SELECT s.turn FROM span s WHERE s.model = ?", (name,)),
        Condition("EXISTS (SELECT 1 FROM span s WHERE s.model = ? AND s.turn = t.id)", (name,)),
        by_row=True,
    )


# Whoever judges the same thing again changes his mind: each judge's newest rating counts.
_JUDGE: Final = (
    "json_extract({}.record, '$.message_id', '$.span_id', '$.name', '$.source', '$.user_id')"
)
NEWEST_JUDGEMENT: Final = (
    "NOT EXISTS (SELECT 1 FROM note m WHERE m.conversation IS n.conversation"
    " AND m.turn_id IS n.turn_id AND +m.kind = 'rating' AND (m.at_ns, m.id) > (n.at_ns, n.id)"
    f" AND {_JUDGE.format('m')} = {_JUDGE.format('n')})"
)


def of_rating(rating: str | float) -> Facet:
    """How the turn was judged, or its conversation as a whole."""
    how = THUMBS.get(str(rating)) or "= ?"
    value = () if str(rating) in THUMBS else (rating,)
    judged = f"n.kind = 'rating' AND n.value {how}"
    rated = f"FROM note n WHERE {judged} AND {NEWEST_JUDGEMENT}"
    # from the turn on, by what notes are about: no other index helps there
    near = f"FROM note n WHERE +n.kind = 'rating' AND +n.value {how} AND {NEWEST_JUDGEMENT}"
    about = [
        f"EXISTS (SELECT 1 {near} AND n.conversation {place} AND n.turn_id {turn})"
        for place, turn in (
            ("= t.conversation", "= t.turn_id"),
            ("IS NULL", "= t.turn_id"),
            ("= t.conversation", "IS NULL"),
        )
    ]
    whole = "n.turn_id IS NULL AND n.conversation IS NOT NULL"
    return Facet(
        Condition(
            f"SELECT r.id FROM turn r WHERE r.turn_id IN (SELECT n.turn_id {rated})"
            " UNION ALL SELECT r.id FROM turn r WHERE r.conversation IN"
            f" (SELECT n.conversation {rated} AND {whole})",
            value * 2,
        ),
        Condition(f"({' OR '.join(about)})", value * 3),
        Condition(f"SELECT 1 FROM note n WHERE {judged}", value),
        Condition(
            "SELECT r.id FROM note n CROSS JOIN turn r ON r.turn_id = n.turn_id"
            f" WHERE {judged} UNION ALL SELECT r.id FROM note n CROSS JOIN turn r"
            f" ON r.conversation = n.conversation WHERE {judged} AND {whole}",
            value * 2,
        ),
        Condition(
            f"SELECT n.conversation FROM note n WHERE {judged} AND n.conversation IS NOT NULL"
            " UNION ALL SELECT r.conversation FROM note n CROSS JOIN turn r"
            f" ON r.turn_id = n.turn_id WHERE {judged} AND n.conversation IS NULL",
            value * 2,
        ),
    )


def all_of(conditions: Iterable[Condition]) -> tuple[str, tuple[Any, ...]]:
    """Join conditions, all of which must hold; returns the SQL and the values it binds."""
    given = list(conditions)
    values = tuple(value for condition in given for value in condition.values)
    return " AND ".join(condition.sql for condition in given), values
