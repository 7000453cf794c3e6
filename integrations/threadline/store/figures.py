"""Adds up what began in stretches of time: turns, tokens, tools, ratings."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from threadline.model.figures import Bucket, Figures
from threadline.model.span import Usage
from threadline.store.facets import NEWEST_JUDGEMENT
from threadline.store.schema import SPAN_KINDS, STATUSES, TURN_KINDS
from threadline.store.turn_model import STALE_NS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_OK, _ERROR = STATUSES.index("ok"), STATUSES.index("error")
_ABANDONED, _RUNNING = STATUSES.index("abandoned"), STATUSES.index("running")
_FAILED: Final = frozenset({_ERROR, _ABANDONED})
_TURN: Final = TURN_KINDS.index("turn")

_THEIRS: Final = " CROSS JOIN conversation c ON c.id = t.conversation AND c.tenant = :tenant"
_WITHIN: Final = " WHERE t.started_ns >= :first AND t.started_ns < :last"
_BUCKET: Final = "(t.started_ns - :first) / :length"
_OTHERS: Final = "SELECT EXISTS (SELECT 1 FROM conversation WHERE tenant <> ?)"

_TURNS: Final = (
    f"SELECT {_BUCKET}, CASE WHEN t.status = {_RUNNING} AND NOT EXISTS (SELECT 1 FROM process p"
    f" WHERE p.id = t.process AND p.beat_ns >= :alive) THEN {_ABANDONED} ELSE t.status END,"
    f" max(0, t.ended_ns - t.started_ns) FROM turn t{{theirs}}{_WITHIN} AND t.kind = {_TURN}"
)
_TOKENS: Final = (
    f"SELECT {_BUCKET}, coalesce(s.model, ''), sum(s.input_tokens), sum(s.output_tokens)"
    f" FROM turn t{{theirs}} CROSS JOIN span s ON s.turn = t.id{_WITHIN}"
    f" AND s.kind = {SPAN_KINDS.index('llm')} GROUP BY 1, 2"
)
_TOOLS: Final = (
    f"SELECT {_BUCKET}, count(*), sum(o.outcome = 'error')"
    f" FROM turn t{{theirs}} CROSS JOIN tool_observation o ON o.turn = t.id{_WITHIN} GROUP BY 1"
)
_RATINGS: Final = (
    "SELECT (n.at_ns - :first) / :length, sum(n.value > 0), sum(n.value < 0) FROM note n"
    " LEFT JOIN conversation c ON c.id = n.conversation"
    " WHERE n.kind = 'rating' AND n.at_ns >= :first AND n.at_ns < :last"
    f" AND coalesce(c.tenant, :tenant) = :tenant AND {NEWEST_JUDGEMENT} GROUP BY 1"
)


def figures_of(
    connection: sqlite3.Connection,
    *,
    tenant: str,
    first_ns: int,
    length_ns: int,
    count: int,
    now_ns: int,
) -> Figures:
    """Add up what began since `first_ns`, in `count` stretches of `length_ns`."""
    bound = {
        "first": first_ns,
        "last": first_ns + count * length_ns,
        "length": length_ns,
        "tenant": tenant,
        "alive": now_ns - STALE_NS,
    }
    is_shared = connection.execute(_OTHERS, (tenant,)).fetchone()[0]

    def read(query: str) -> Iterable[tuple[Any, ...]]:
        return connection.execute(query.format(theirs=_THEIRS if is_shared else ""), bound)

    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    _add_turns(found, read(_TURNS))
    for place, model, taken, given in read(_TOKENS):
        found[place].setdefault("tokens", {})[model] = Usage(
            input_tokens=taken, output_tokens=given
        )
    for place, calls, failures in read(_TOOLS):
        found[place] |= {"tool_calls": calls, "tool_failures": failures}
    for place, liked, disliked in read(_RATINGS):
        found[place] |= {"liked": liked or 0, "disliked": disliked or 0}
    buckets = (
        Bucket(start_ns=first_ns + place * length_ns, **found.get(place, {}))
        for place in range(count)
    )
    return Figures(length_ns=length_ns, buckets=tuple(buckets))


def _add_turns(
    found: defaultdict[int, dict[str, Any]], turns: Iterable[tuple[int, int, int | None]]
) -> None:
    durations: defaultdict[int, list[int]] = defaultdict(list)
    statuses: defaultdict[tuple[int, int], int] = defaultdict(int)
    for place, status, took in turns:
        statuses[place, status] += 1
        if took is not None:
            durations[place].append(took)
    for (place, status), number in statuses.items():
        entry = found[place]
        entry["turns"] = entry.get("turns", 0) + number
        if status in _FAILED:
            entry["failed"] = entry.get("failed", 0) + number
        elif status != _OK:
            entry["unfinished"] = entry.get("unfinished", 0) + number
    for place, taken in durations.items():
        found[place]["durations_ns"] = tuple(sorted(taken))


def first_turn_ns(connection: sqlite3.Connection) -> int | None:
    """Return when the first turn of the store began."""
    return connection.execute("SELECT min(started_ns) FROM turn").fetchone()[0]
