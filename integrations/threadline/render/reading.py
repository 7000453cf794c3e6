"""Reads what fits some filters from a store page by page, oldest first, and as rows of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from threadline.render.tables import CONVERSATIONS, conversation_row, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from threadline.model import ConversationSummary, Page, Turn
    from threadline.render.tables import Row

T = TypeVar("T")

_AT_ONCE: Final = 500


class Store(Protocol):
    """What is read from: `threadline.open()` gives one."""

    def conversations(self, **filters: Any) -> Page[ConversationSummary]:
        """Return short forms of conversations."""
        ...

    def turns(self, **filters: Any) -> Page[Turn]:
        """Return turns."""
        ...


def rows_of(
    store: Store, table: str, *, limit: int | None = None, **filters: Any
) -> Iterator[list[Row]]:
    """Yield the rows of a table in groups, the newest group first, each oldest first.

    Args:
        store: Where to read.
        table: The table's name.
        limit: Of the newest turns (or conversations) only so many; None for all.
        **filters: Those of the store's lists; the store itself applies them.

    Raises:
        ArgumentError: for a table or a filter that does not exist.
    """
    found = table_of(table)
    if table == CONVERSATIONS:
        filters.pop("kind", None)
        for page in pages(store.conversations, limit=limit, **filters):
            yield [conversation_row(summary) for summary in reversed(page)]
        return
    for page in pages(store.turns, limit=limit, **filters):
        yield [row for turn in reversed(page) for row in found.rows(turn)]


def pages(
    listed: Callable[..., Page[T]], *, limit: int | None = None, **filters: Any
) -> Iterator[Page[T]]:
    """Yield all pages of a list, newest first, at most `limit` things together."""
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        at_once = _AT_ONCE if left is None else min(left, _AT_ONCE)
        page = listed(limit=at_once, cursor=cursor, **filters)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        left = None if left is None else left - len(page)
