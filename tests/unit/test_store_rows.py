"""Rows that end in columns without a value are written shorter, and stand in the table the same."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from threadline.store.database import connect_memory
from threadline.store.rows import Rows, insert_rows

_SPAN = ("name", "first_chunk", "run_id", "model", "output_tokens", "detail")
_PLACES = {"name": 5, "first_chunk": 8, "run_id": 9, "model": 10, "output_tokens": 16, "detail": 21}
VALUES = st.fixed_dictionaries(
    {
        "name": st.none() | st.just("step"),
        "first_chunk": st.none() | st.integers(0, 9),
        "run_id": st.none() | st.just(b"") | st.just(b"r" * 16),
        "model": st.none() | st.just("m"),
        "output_tokens": st.none() | st.integers(0, 9),
        "detail": st.none() | st.just("{}"),
    }
)


def span(n: int, values: dict[str, Any]) -> tuple[Any, ...]:
    """A row of the table `span`, of turn 1."""
    row: list[Any] = [None] * 22
    row[:5] = 1, n, None, 0, 0
    row[6:8] = 0, 1
    for name, value in values.items():
        row[_PLACES[name]] = value
    return tuple(row)


@given(st.lists(st.tuples(st.integers(0, 5), VALUES), min_size=1, max_size=70))
def test_the_last_row_for_a_place_is_the_one_that_stands_there(
    rows: list[tuple[int, dict[str, Any]]],
) -> None:
    """Whichever of them have values in their last columns, and however many there are."""
    with closing(connect_memory()) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        written = Rows(b"k" * 32)
        written.spans = [span(n, values) for n, values in rows]
        insert_rows(connection, written)
        columns = ", ".join(_SPAN)
        stored = connection.execute(f"SELECT n, {columns} FROM span ORDER BY n").fetchall()
    last = dict(rows)
    assert stored == [(n, *(last[n][name] for name in _SPAN)) for n in sorted(last)]


def test_every_shape_of_a_row_is_written_whole() -> None:
    """Each of the columns that are mostly empty, alone and with the others."""
    shapes = [
        dict(zip(_SPAN, picks, strict=True))
        for picks in itertools.product(
            (None, "n"), (None, 1), (None, b"r"), (None, "m"), (None, 2), (None, "{}")
        )
    ]
    with closing(connect_memory()) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        written = Rows(b"k" * 32)
        written.spans = [span(n, values) for n, values in enumerate(shapes)]
        insert_rows(connection, written)
        columns = ", ".join(_SPAN)
        stored = connection.execute(f"SELECT {columns} FROM span ORDER BY n").fetchall()
    assert stored == [tuple(values.values()) for values in shapes]
