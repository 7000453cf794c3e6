"""What lists and searches give: short forms of conversations, hits, and pages of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

import msgspec

from threadline.model.conversation import IdSource
from threadline.model.shown import Shown
from threadline.model.turn import Status

T = TypeVar("T")


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a list of conversations. Counts leave side calls and prelude out."""

    thread_id: str
    tenant: str | None = None
    id_source: IdSource = "application"
    user_id: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    created_ns: int = 0
    updated_ns: int = 0
    turn_count: int = 0
    message_count: int = 0
    last_status: Status | None = None
    preview: str = ""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place where a searched text was said. `snippet` marks nothing; it is plain text."""

    thread_id: str
    turn_id: str
    message_id: str | None = None
    role: str | None = None
    at_ns: int | None = None
    snippet: str = ""


class Page(Shown, Sequence[T], Generic[T]):
    """A list of results and, in `cursor`, where the next page begins (None at the end)."""

    def __init__(self, items: Sequence[T], cursor: str | None = None) -> None:
        self._items = tuple(items)
        self.cursor = cursor

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __repr__(self) -> str:
        return f"Page({list(self._items)!r}, cursor={self.cursor!r})"
