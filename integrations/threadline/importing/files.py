"""Files of conversations: lines of JSON, JSON, CSV, and other stores. What a file is, it tells."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from msgspec.structs import replace

from threadline.client import open_store
from threadline.client.told_messages import told_conversation
from threadline.errors import ArgumentError, ThreadlineError
from threadline.ids import derived_uuid
from threadline.importing.answered_calls import answered_calls, with_tool_spans
from threadline.importing.csv_rows import conversations_of_rows
from threadline.importing.shipped_lines import ShippedLines, is_shipped
from threadline.model import Conversation, decode
from threadline.store.adopting import every_thread
from threadline.store.connections import FileDatabase
from threadline.store.foreign_deletions import ForeignDeletions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from threadline.model import Turn

_SQLITE: Final = b"SQLite format 3\x00"
_LISTS: Final = ("conversations", "threads", "data", "results")
_SHAPES: Final = "a line of `threadline export`, or an object with `messages`"
_NOTHING: Final = (
    "nothing in it can be read; files of JSON lines, of Context.ai, CSV and stores (*.db) can"
)


class Unreadable(NamedTuple):
    """Something in a file that is no conversation."""

    place: str
    reason: str


class ConversationFile:
    """One file; `format` says what it is: `store`, `csv` or `json`.

    Args:
        path: Where it is.

    Raises:
        ArgumentError: if there is none.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ArgumentError(argument="file", value=str(path), allowed="a file that exists")
        self.path = path
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
        is_table = path.suffix.lower() in {".csv", ".tsv"}
        self.format = "store" if start == _SQLITE else "csv" if is_table else "json"

    def deletions(self) -> ForeignDeletions | None:
        """Return what was deleted from a store; None for any other file."""
        if self.format != "store":
            return None
        return ForeignDeletions.of(FileDatabase(self.path))

    def count(self) -> int | None:
        """Return how many conversations there are, where that is known beforehand."""
        if self.format == "store":
            return len(every_thread(FileDatabase(self.path)))
        if self.format == "json":
            with self.path.open("rb") as file:
                return sum(1 for line in file if line.strip())
        return None

    def conversations(self) -> Iterator[Conversation | Unreadable]:
        """Yield what the file holds, each when it is asked for.

        Raises:
            StoreError: if it is a store that cannot be read.
            ArgumentError: if it is a table without the columns that are needed.
        """
        ways: dict[str, Callable[[Path], Iterator[Conversation | Unreadable]]] = {
            "store": _of_store,
            "csv": _of_csv,
            "json": _of_json,
        }
        return ways[self.format](self.path)


def _of_store(path: Path) -> Iterator[Conversation]:
    with open_store(path) as store:
        for tenant, thread_id in every_thread(FileDatabase(path)):
            found = store.conversation(thread_id, tenant or None)
            if found is not None:
                yield found


def _of_csv(path: Path) -> Iterator[Conversation]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from conversations_of_rows(file, delimiter=delimiter)


def _of_json(path: Path) -> Iterator[Conversation | Unreadable]:
    """A file is lines if its first one is whole; else one piece of JSON, or lines, some broken."""
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    if _is_entry(first):
        yield from _of_lines(path)
        return
    try:
        values = list(_values(_parsed(path.read_bytes())))
    except ThreadlineError:
        yield from _of_lines(path) if _has_entries(path) else [Unreadable(path.name, _NOTHING)]
        return
    for number, value in enumerate(values, start=1):
        yield _conversation(value, b"", f"{path.name}, conversation {number}")


def _has_entries(path: Path) -> bool:
    with path.open("rb") as file:
        return any(map(_is_entry, file))


def _of_lines(path: Path) -> Iterator[Conversation | Unreadable]:
    shipped = ShippedLines()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            whole = line.removeprefix(BOM_UTF8).strip()
            if whole:
                yield from _of_line(whole, f"{path.name}, line {number}", shipped)
    yield from shipped.conversations()


def _of_line(line: bytes, place: str, shipped: ShippedLines) -> Iterator[Conversation | Unreadable]:
    try:
        values = list(_values(_parsed(line)))
    except ThreadlineError as error:
        yield Unreadable(place, str(error))
        return
    for value in values:
        yield from _of_value(value, line, place, shipped)


def _of_value(
    value: object, line: bytes, place: str, shipped: ShippedLines
) -> Iterator[Conversation | Unreadable]:
    fields = _fields(value)
    if not is_shipped(fields):
        yield _conversation(value, line, place)
        return
    try:
        shipped.take(fields)
    except ThreadlineError as error:
        yield Unreadable(place, str(error))


def _fields(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _is_entry(line: bytes) -> bool:
    try:
        return isinstance(_parsed(line), dict | list)
    except ThreadlineError:
        return False


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ArgumentError(argument="data", value="broken JSON", allowed=_SHAPES) from None


def _values(value: object) -> Iterator[object]:
    """Yield the conversations of a piece of JSON: it may be one, or hold a list of them."""
    fields = _fields(value)
    held = next((fields[name] for name in _LISTS if isinstance(fields.get(name), list)), None)
    if held is not None and "messages" not in fields:
        yield from cast("list[object]", held)
    elif isinstance(value, list) and not _is_envelope(cast("list[object]", value)):
        yield from cast("list[object]", value)
    else:
        yield value


def _is_envelope(value: list[object]) -> bool:
    return len(value) == len(("schema", "record")) and isinstance(value[0], int)


def _conversation(value: object, line: bytes, place: str) -> Conversation | Unreadable:
    try:
        if isinstance(value, list):
            return _own(line or json.dumps(cast("list[object]", value)).encode(), place)
        return _told(value)
    except ThreadlineError as error:
        return Unreadable(place, str(error))


def _own(line: bytes, place: str) -> Conversation | Unreadable:
    record = decode(line)
    return record if isinstance(record, Conversation) else Unreadable(place, _SHAPES)


def _told(value: object) -> Conversation:
    """Read the shape of Context.ai or OpenAI; without an id it gets one made of what is in it."""
    fields = _fields(value)
    if not isinstance(fields.get("messages"), list):
        raise ArgumentError(argument="data", value=type(value).__name__, allowed=_SHAPES)
    if fields.get("id") is None:
        named = fields.get("thread_id") or fields.get("conversation_id")
        content = json.dumps(fields, sort_keys=True, default=str)
        fields = {**fields, "id": named or str(derived_uuid("told", content))}
        if named is None:
            fields["id_source"] = "generated"
    told = told_conversation(fields, None).conversation
    return replace(told, turns=tuple(map(_with_tools, told.turns)))


def _with_tools(turn: Turn) -> Turn:
    if turn.tool_observations:
        return with_tool_spans(turn)
    return replace(turn, tool_observations=tuple(answered_calls(turn.id, turn.messages)))
