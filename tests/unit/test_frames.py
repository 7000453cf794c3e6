"""What was recorded as data frames: typed columns, oldest first, filtered by the store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.fake_store import FakeStore
from tests.hostile import hostile
from tests.samples import all_samples
from tests.stored import NOW, START, Stored, turn_id

from threadline.errors import ArgumentError, MissingExtraError
from threadline.model import Rating, ToolCallPart
from threadline.render.frames import arrow_table, to_arrow
from threadline.render.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.store.reader import Reader


@pytest.fixture
def store(tmp_path: Path) -> Reader:
    """Two conversations, three turns, one side call."""
    made = Stored(tmp_path / "chat.db")
    made.turn("t-1", ("user", "Tea?"), ("assistant", "Yes."), at=0, tags=["beta"])
    made.span(0, "workflow", "chain")
    made.span(1, "llm", "ask", parent=0, model="gpt-4o", input_tokens=7, output_tokens=2)
    call = [ToolCallPart("kettle", {"litres": 1}, "call-1")]
    made.turn("t-2", ("user", "More?"), ("assistant", call), at=60, user_id="u-2", status="error")
    made.observation(0, "kettle", "error", call_id="call-1", error='["E","dry"]')
    made.note(
        Rating(id="r", at_ns=NOW, value=-1, comment="Dry", thread_id="t-2", turn_id=turn_id(2))
    )
    made.turn("t-1", ("user", "Title?"), at=90, kind="trace")
    made.turn("t-1", ("user", "And now?"), ("assistant", "\N{HOT BEVERAGE}"), at=120)
    made.connection.commit()
    return made.reader()


def test_turns_are_rows_oldest_first(store: Reader) -> None:
    """Words, times, tokens and failures of a turn are columns."""
    rows = store.to_arrow("turns").to_pylist()
    assert [row["input"] for row in rows] == ["Tea?", "More?", "And now?"]
    assert rows[0]["input_tokens"] == 7
    assert rows[0]["tags"] == ["beta"]
    assert rows[0]["duration_s"] == 1.0
    assert rows[1]["status"] == "error"
    assert rows[1]["rating"] == -1


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("conversations", "thread_id", ["t-2", "t-1"]),
        ("messages", "text", ["Tea?", "Yes.", "More?", "", "And now?", "\N{HOT BEVERAGE}"]),
        ("tool_observations", "error", ["dry"]),
        ("spans", "model", [None, "gpt-4o"]),
        ("ratings", "comment", ["Dry"]),
    ],
)
def test_each_table_tells_its_part(store: Reader, table: str, column: str, values: list) -> None:
    """Messages, tool observations, spans and ratings have tables of their own."""
    told = store.to_arrow(table)
    assert told[column].to_pylist() == values


def test_filters_are_those_of_the_lists(store: Reader) -> None:
    """The store applies them, and a wrong one is named as everywhere."""
    assert store.to_arrow("messages", user_id="u-2")["text"].to_pylist() == ["More?", ""]
    assert store.to_arrow("turns", kind="trace")["input"].to_pylist() == ["Title?"]
    assert store.to_arrow("turns", kind=None).num_rows == 4
    assert store.to_arrow("turns", limit=1)["input"].to_pylist() == ["And now?"]
    for wrong in ({"colour": "red"}, {"limit": 0}, {"status": "green"}):
        with pytest.raises(ArgumentError):
            store.to_arrow("turns", **wrong)
    with pytest.raises(ArgumentError, match="one of conversations, turns, messages"):
        store.to_arrow("notes")


def test_columns_have_types(store: Reader) -> None:
    """Times are instants in UTC, repeated words categories, counts whole numbers."""
    schema = store.to_arrow("turns").schema
    assert schema.field("started").type == pa.timestamp("ns", tz="UTC")
    assert schema.field("status").type == pa.dictionary(pa.int32(), pa.string())
    assert schema.field("input_tokens").type == pa.int64()
    frame = store.to_pandas("turns")
    assert str(frame["started"].dtype) == "datetime64[ns, UTC]"
    assert frame["started"][0].value == START
    assert str(frame["status"].dtype) == "category"
    assert str(frame["input_tokens"].dtype) == "Int64"
    assert frame["input_tokens"].sum() == 7


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_an_empty_answer_has_all_columns_and_types(store: Reader, table: str) -> None:
    """A notebook that works on Monday works on a quiet Sunday."""
    empty = store.to_arrow(table, thread_id="nobody")
    assert empty.num_rows == 0
    assert empty.schema == store.to_arrow(table).schema
    assert list(store.to_pandas(table, thread_id="nobody").columns) == empty.schema.names


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_whatever_was_recorded_fits_into_columns(table: str) -> None:
    """Lone surrogates, control characters and odd values make no frame fail."""
    store = FakeStore(None, *all_samples(), hostile())
    assert to_arrow(store, table).num_rows > 0


def test_a_time_or_count_that_no_column_holds_is_missing() -> None:
    """A number may be recorded that is larger than any column can tell."""
    columns = TABLES[0].columns[6:9]
    told = arrow_table(columns, [[(2**63, 5, 2**70)]]).to_pylist()[0]
    assert [told["created"], told["turns"]] == [None, None]


def test_long_stores_are_read_in_pages(tmp_path: Path) -> None:
    """Nothing is lost or doubled where one page ends and the next begins."""
    made = Stored(tmp_path / "chat.db")
    for number in range(1_203):
        made.turn("t", ("user", f"Question {number}"), at=number)
    made.connection.commit()
    told = made.reader().to_arrow("turns")["input"].to_pylist()
    assert told == [f"Question {number}" for number in range(1_203)]
    assert made.reader().to_arrow("turns", limit=501).num_rows == 501


def test_a_missing_package_is_named_with_its_extra(
    store: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pandas or pyarrow one is told what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"threadline\[notebook\]"):
        store.to_arrow("turns")
