"""What is exported is what its readers take: OpenAI's and Context.ai's own types, data frames."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from click.testing import CliRunner
from getcontext.generated.models import Conversation as ContextConversation
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from pydantic import TypeAdapter
from tests.samples import all_samples

import threadline
from threadline import Client
from threadline.cli.app import app
from threadline.cli.session import Session
from threadline.importing.adopting import adopt
from threadline.render.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.store.reader import Reader

MESSAGES = TypeAdapter(list[ChatCompletionMessageParam])
TOOLS = TypeAdapter(list[ChatCompletionFunctionToolParam])
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shapes") / "samples.db"
    with Client(store=path, min_free_bytes=0) as client:
        adopt(all_samples(), client=client)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Reader]:
    with threadline.open(path) as store:
        yield store


def exported(path: Path, *arguments: object) -> list[dict[str, Any]]:
    """Run the command and return its lines."""
    given = ["export", "--store", str(path), *map(str, arguments)]
    done = CliRunner().invoke(app, given, obj=Session())
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_fine_tuning_takes_every_example(path: Path) -> None:
    """The types of OpenAI's own client, and the rules of its guide that no type can say."""
    examples = exported(path, "--format", "openai")
    assert len(examples) >= 5
    for example in examples:
        assert set(example) <= {"messages", "tools"}
        for message in MESSAGES.validate_python(example["messages"]):
            for call in list(message.get("tool_calls") or []):
                assert NAME.fullmatch(call["function"]["name"])
                assert isinstance(json.loads(call["function"]["arguments"]), dict)
        for tool in TOOLS.validate_python(example.get("tools", [])):
            assert NAME.fullmatch(tool["function"]["name"])
        _follows_the_rules(example["messages"])


def _follows_the_rules(messages: list[dict[str, Any]]) -> None:
    """The assistant has the last word; calls are answered at once; pictures are the user's."""
    assert messages[-1]["role"] == "assistant"
    assert messages[-1].get("content")
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
        else:
            assert waiting == []
            waiting = [call["id"] for call in message.get("tool_calls", ())]
        assert isinstance(message.get("content", ""), str) or message["role"] == "user"
    assert waiting == []


def test_context_takes_every_conversation(path: Path) -> None:
    """The model that Context.ai's own client sends."""
    told = exported(path, "--format", "contextai")
    read = [ContextConversation.from_dict(one) for one in told]
    assert [len(one.messages) for one in read] == [len(one["messages"]) for one in told]


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_parquet_is_the_data_frame(path: Path, store: Reader, tmp_path: Path, table: str) -> None:
    """Read back by pyarrow: the rows, the types, and each in the folder of its day."""
    exported(path, "--format", "parquet", "--table", table, "-o", tmp_path / "out")
    read, wanted = (
        ds.dataset(tmp_path / "out", partitioning="hive").to_table(),
        store.to_arrow(table),
    )
    assert read.num_rows == wanted.num_rows > 0
    assert sorted(map(repr, read.drop(["day"]).to_pylist())) == sorted(
        map(repr, wanted.to_pylist())
    )
    assert [read.schema.field(name).type for name in wanted.schema.names] == wanted.schema.types
    first = next((f.name for f in wanted.schema if pa.types.is_timestamp(f.type)), None)
    for row in read.to_pylist() if first is not None else ():
        assert row["day"] == (f"{row[first]:%Y-%m-%d}" if row[first] else "unknown")


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_csv_is_the_data_frame_as_text(
    path: Path, store: Reader, tmp_path: Path, table: str
) -> None:
    """Read back by pandas: every cell, times to the nanosecond."""
    file = tmp_path / "x.csv"
    exported(path, "--format", "csv", "--table", table, "-o", file)
    read = pd.read_csv(file, dtype=str, keep_default_na=False)
    wanted = store.to_pandas(table)
    assert list(read.columns) == list(wanted.columns)
    assert len(read) == len(wanted)
    for name in wanted.columns:
        if str(wanted[name].dtype).startswith("datetime64"):
            again = pd.to_datetime(read[name].replace("", None), utc=True, format="ISO8601")
            assert set(again.dropna()) == set(wanted[name].dropna())
        elif str(wanted[name].dtype) in {"Int64", "Float64", "float64", "int64"}:
            again = pd.to_numeric(read[name].replace("", None))
            assert sorted(again.dropna()) == sorted(wanted[name].dropna())
