"""What docs/reading.md shows works as it is written, and names what there is."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import threadline
from threadline.model import Conversation, Message, Retrieval, Span, ToolObservation, Turn
from threadline.store.filter_arguments import FilterArguments
from threadline.store.reader import Reader
from threadline.testing.recorder import ThreadlineRecorder

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
PROMISED = re.compile(r"^(?:print\(.*\)  )?# (.*)$", re.MULTILINE)


def members(record: type) -> set[str]:
    """The public attributes of a record: its fields and its properties."""
    return {name for name in dir(record) if not name.startswith(("_", "to_", "from_"))}


def row(start: str) -> set[str]:
    """What a row of a table names in backticks after its first cell."""
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    cells = "".join(line.split("|", 2)[2] for line in rows)
    return set(re.findall(r"`([a-z_]+)`", cells))


def test_the_examples_run_and_print_what_they_say(tmp_path: Path) -> None:
    """All examples but that of a test run one after another, as a reader would type them."""
    examples = BLOCKS[:-1]
    script = tmp_path / "reading.py"
    script.write_text("\n".join(examples) + "\nthreadline.close()\n")
    shown = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert shown.stderr == ""
    promised = [line for example in examples for line in PROMISED.findall(example)]
    assert len(promised) > 15
    assert shown.stdout.splitlines() == promised


def test_the_example_of_a_test_is_one(pytester: pytest.Pytester) -> None:
    """The fixture works as the page uses it."""
    pytester.makepyfile(BLOCKS[0].partition("\nchain.invoke")[0] + "\n" + BLOCKS[-1])
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


@pytest.mark.parametrize("record", [Conversation, Turn, Message, ToolObservation, Retrieval])
def test_every_attribute_that_is_told_is_there_and_the_other_way_round(record: type) -> None:
    """`text`, `id` and the like of a document stand in the row of what holds it."""
    told = row(f"`{record.__name__}`") - ({"text", "id", "score", "metadata"} - members(record))
    missing = members(record) - told
    assert told <= members(record)
    assert missing <= {"id", "body"}


def test_every_attribute_of_a_span_is_told() -> None:
    told = row("`Span`") | row("… ")
    assert members(Span) - told <= {"run_id", "first_chunk_ns"}


def test_every_method_filter_and_field_is_told() -> None:
    """What there is stands on the page under its name."""
    for name in members(Reader) - {"path", "schema_version", "index", "close"}:
        assert f"`{name}(" in PAGE
    for name in FilterArguments.__annotations__:
        assert f"`{name}`" in PAGE
    for name in (*threadline.FlushReport.__struct_fields__, "complete"):
        assert f"`{name}`" in PAGE
    for name in members(ThreadlineRecorder) - {"config", "conversation"} | {"client"}:
        assert f"`{name}`" in PAGE


def test_the_defaults_that_are_told_are_those() -> None:
    parameters = inspect.signature(Reader.turns).parameters
    assert (parameters["limit"].default, parameters["kind"].default) == (20, "turn")
