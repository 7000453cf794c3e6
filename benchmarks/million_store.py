"""A store of very many turns, made row by row as the writer leaves them; the same for a seed.

What is rare in it is rare on purpose and old: one user, tag, tool, model, status and word that only
a handful of turns in its first tenth have. A filter must find them without reading everything.
"""

from __future__ import annotations

import itertools
import json
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from threadline.model import Rating
from threadline.store import database
from threadline.store.schema import (
    POSITION_BITS,
    ROLES,
    SEARCH_INDEX,
    SPAN_KINDS,
    STATUSES,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SECOND: Final = 1_000_000_000
END: Final = 1_795_255_200 * SECOND
LONG: Final = "long-conversation"
LONG_TURNS: Final = 2_500
RARE: Final = "rare"
RARE_WORD: Final = "xylophonist"
_RARE_TURNS: Final = 15
_TURNS_EACH: Final = 10
_AT_ONCE: Final = 20_000
_DAYS: Final = 120

_USER, _ASSISTANT = ROLES.index("user"), ROLES.index("assistant")
_WORKFLOW, _LLM, _TOOL = (SPAN_KINDS.index(kind) for kind in ("workflow", "llm", "tool"))
_TOOLS: Final = ("search_orders", "refund", "weather", "lookup_user", "send_mail")
_MODELS: Final = ("gpt-4o", "gpt-4o-mini", "claude-sonnet", "gemini-flash")
_TAGS: Final = ("beta", "mobile", "web", "vip", "trial")
_SYLLABLES: Final = tuple("ba ko ri ta lu me no pe sha vi dro fen gal hin jus kel mor nat".split())  # noqa: SIM905 (a list of eighteen is a page long)
_COLUMNS: Final = {
    "conversation": "id, thread_id, user_id, tags, created_ns, updated_ns, next_position, turns,"
    " said, preview, last_status",
    "turn": "id, turn_id, conversation, kind, status, started_ns, ended_ns, first_position,"
    " process, name, user_id, tags, error",
    "message": "id, turn, kind, role, text, digest, at_ns",
    "span": "turn, n, parent, kind, status, name, started, ended, model, provider, input, output,"
    " input_tokens, output_tokens",
    "tool_observation": "turn, n, name, outcome, arguments, result, started, ended, spans",
    "note": "id, kind, conversation, turn_id, at_ns, value, record",
    "search": "rowid, words",
}


@dataclass
class _Talk:
    """A conversation in the making."""

    row: int
    thread_id: str
    user_id: str
    created_ns: int
    updated_ns: int = 0
    turns: int = 0
    position: int = 0
    preview: str = ""
    status: int = 0


@dataclass
class _Made:
    """Rows that wait to be written, by table."""

    rows: dict[str, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {name: [] for name in _COLUMNS}
    )

    def write(self, connection: sqlite3.Connection) -> None:
        for table, rows in self.rows.items():
            marks = ", ".join("?" * (_COLUMNS[table].count(",") + 1))
            connection.executemany(
                f"INSERT INTO {table} ({_COLUMNS[table]}) VALUES ({marks})",  # noqa: S608 (constants)
                rows,
            )
            rows.clear()


def make_store(path: Path, turns: int, *, seed: int = 7) -> None:
    """Make a store of so many turns; the last of them were just now, the first 120 days ago."""
    path.unlink(missing_ok=True)
    connection = database.connect_writer(path)
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(SEARCH_INDEX)
    connection.execute("BEGIN")
    connection.execute("INSERT INTO meta VALUES ('hash_key', ?)", (b"k" * 32,))
    connection.execute(
        "INSERT INTO process (id, writer, pid, host, app, started_ns, beat_ns)"
        " VALUES (1, x'01', 1, 'h', 'shop', ?, ?)",
        (END, END),
    )
    talks: dict[str, _Talk] = {}
    made = _Made()
    for number, (talk, at_ns) in enumerate(_turns(turns, talks, random.Random(seed)), 1):
        _add_turn(made, number, talk, at_ns, turns, _dice(seed, number))
        if number % _AT_ONCE == 0:
            made.write(connection)
    made.rows["conversation"] = [_conversation(talk) for talk in talks.values()]
    made.write(connection)
    connection.execute("INSERT INTO meta VALUES ('search_upto', ?)", (turns,))
    connection.execute("COMMIT")
    database.checkpoint(connection, path)
    connection.close()


def _dice(seed: int, number: int) -> random.Random:
    return random.Random(seed * 1_000_003 + number)


def _turns(count: int, talks: dict[str, _Talk], dice: random.Random) -> Iterator[tuple[_Talk, int]]:
    """Yield the conversation and the time of each turn: many go on side by side."""
    open_talks: list[_Talk] = []
    step = _DAYS * 86_400 * SECOND // count
    long_every = max(2, count // LONG_TURNS)
    for number in range(count):
        at_ns = END - (count - number) * step
        if number % long_every == 1:
            talk = talks.get(LONG) or _Talk(len(talks) + 1, LONG, "u-long", at_ns)
        elif len(open_talks) < 200 or dice.random() < 1 / _TURNS_EACH:
            row = len(talks) + 1
            talk = _Talk(row, f"thread-{row:07d}", f"u-{dice.randrange(20_000)}", at_ns)
            open_talks.append(talk)
            if len(open_talks) > 200:
                open_talks.pop(dice.randrange(200))
        else:
            talk = dice.choice(open_talks)
        talks[talk.thread_id] = talk
        yield talk, at_ns


def _conversation(talk: _Talk) -> tuple[Any, ...]:
    said = talk.turns * 2
    times = (talk.created_ns, talk.updated_ns)
    counts = (talk.position, talk.turns, said, talk.preview, talk.status)
    return (talk.row, talk.thread_id, talk.user_id, None, *times, *counts)


def _is_rare(number: int, turns: int) -> bool:
    step = max(1, turns // 10 // _RARE_TURNS)
    return number <= turns // 10 and number % step == 0


def _add_turn(
    made: _Made, number: int, talk: _Talk, at_ns: int, turns: int, dice: random.Random
) -> None:
    is_rare = _is_rare(number, turns)
    words = _sentence(dice, 8), _sentence(dice, 18)
    if is_rare:
        words = f"{words[0]} {RARE_WORD}", words[1]
    status = _status(dice, is_rare=is_rare)
    took = int(SECOND * (0.4 + dice.expovariate(0.6)))
    turn_id = uuid.UUID(int=number << 64 | dice.getrandbits(62)).bytes
    place, talk.position = talk.position, talk.position + 2
    talk.turns, talk.updated_ns = talk.turns + 1, at_ns + took
    talk.preview, talk.status = words[0], status
    tags = [RARE] if is_rare else [dice.choice(_TAGS)] if dice.random() < 0.3 else None
    user = RARE if is_rare else talk.user_id
    error = json.dumps(["TimeoutError", "no answer"]) if status == 1 else None
    made.rows["turn"].append(
        (
            *(number, turn_id, talk.row, 0, status, at_ns, at_ns + took, place, 1, "chat", user),
            *(json.dumps(tags) if tags else None, error),
        )
    )
    for offset, (role, text) in enumerate(zip((_USER, _ASSISTANT), words, strict=True)):
        row = talk.row << POSITION_BITS | place + offset
        digest = (number * 2 + offset).to_bytes(16, "big")
        made.rows["message"].append((row, number, 0, role, text, digest, at_ns + offset * took))
    told = _add_work(made, number, place, took, dice, is_rare=is_rare)
    made.rows["search"].append((number, "\n".join((*words, *told))))
    if dice.random() < 0.03:
        _add_rating(made, number, talk, turn_id, at_ns + took, dice)


def _status(dice: random.Random, *, is_rare: bool) -> int:
    if is_rare:
        return STATUSES.index("cancelled")
    drawn = dice.random()
    return 1 if drawn < 0.02 else STATUSES.index("interrupted") if drawn < 0.025 else 0


def _add_work(
    made: _Made, number: int, place: int, took: int, dice: random.Random, *, is_rare: bool
) -> Iterable[str]:
    model = RARE if is_rare else dice.choices(_MODELS, (6, 3, 2, 1))[0]
    tokens = 200 + 30 * place + dice.randrange(200), dice.randrange(20, 400)
    spans = made.rows["span"]
    spans.append((number, 0, None, _WORKFLOW, 0, "chat", 0, took, *(None,) * 6))
    called = f"0-{place}", f"{place + 1}"
    begun = took // 20
    spans.append((number, 1, 0, _LLM, 0, model, begun, took, model, "openai", *called, *tokens))
    if not is_rare and dice.random() > 0.4:
        return ()
    tool = RARE if is_rare else dice.choice(_TOOLS)
    outcome = "error" if dice.random() < 0.05 else "ok"
    query = _sentence(dice, 2)
    arguments = json.dumps({"query": query})
    spans.append((number, 2, 0, _TOOL, 0, tool, begun, took // 2, *(None,) * 6))
    made.rows["tool_observation"].append(
        (number, 0, tool, outcome, arguments, '"done"', begun, took // 2, "2")
    )
    return (f"{tool} query: {query} done",)


def _add_rating(
    made: _Made, number: int, talk: _Talk, turn_id: bytes, at_ns: int, dice: random.Random
) -> None:
    value = -1.0 if dice.random() < 0.15 else 1.0
    ident = uuid.UUID(int=(1 << 127) + number)
    rating = Rating(
        id=str(ident),
        at_ns=at_ns,
        value=value,
        thread_id=talk.thread_id,
        turn_id=str(uuid.UUID(bytes=turn_id)),
    )
    record = json.dumps(
        {"record": "rating", "id": rating.id, "at_ns": at_ns, "value": value}
        | {"thread_id": rating.thread_id, "turn_id": rating.turn_id}
    )
    made.rows["note"].append((ident.bytes, "rating", talk.row, turn_id, at_ns, value, record))


def _vocabulary() -> list[str]:
    return ["".join(word) for word in itertools.product(_SYLLABLES, repeat=3)]


_WORDS: Final = _vocabulary()
_WEIGHTS: Final = list(itertools.accumulate(1 / rank for rank in range(1, len(_WORDS) + 1)))
COMMON_WORD: Final = _WORDS[0]


def _sentence(dice: random.Random, length: int) -> str:
    """Some words as people use them: a few all the time, most hardly ever."""
    return " ".join(dice.choices(_WORDS, cum_weights=_WEIGHTS, k=length))
