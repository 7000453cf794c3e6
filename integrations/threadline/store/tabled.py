"""What a reader gives in other shapes than records: tables, and sides that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.actions import act

if TYPE_CHECKING:
    from typing import Unpack

    from threadline.model.comparison import Comparison
    from threadline.store.filter_arguments import FilterArguments


class TabledReader:
    """The part of a `Reader` that takes more than the store: what it asks is done above it."""

    def to_arrow(
        self,
        table: str,
        *,
        limit: int | None = None,
        kind: str | None = "turn",
        **filters: Unpack[FilterArguments],
    ) -> Any:
        """Return what fits as a `pyarrow.Table` with typed columns, oldest first.

        Args:
            table: `conversations`, `turns`, `messages`, `tool_observations`, `spans` or `ratings`
                (those of turns, messages and spans).
            limit: Of the newest turns (or conversations) only so many; None for all.
            kind: `turn`, `trace` (what is kept out of the transcript), or None for both.
            **filters: The filters.

        Raises:
            MissingExtraError: without the extra `notebook`.
        """
        return act("to_arrow", self, table, limit=limit, kind=kind, **filters)

    def to_pandas(
        self,
        table: str,
        *,
        limit: int | None = None,
        kind: str | None = "turn",
        **filters: Unpack[FilterArguments],
    ) -> Any:
        """Return the same as a `pandas.DataFrame`: UTC times, categories, whole numbers.

        Args:
            table: The table's name, as for `to_arrow`.
            limit: Of the newest turns (or conversations) only so many; None for all.
            kind: `turn`, `trace` (what is kept out of the transcript), or None for both.
            **filters: The filters.

        Raises:
            MissingExtraError: without the extra `notebook`.
        """
        return act("to_pandas", self, table, limit=limit, kind=kind, **filters)

    def compare(self, *, limit: int = 1000, **filters: Any) -> Comparison:
        """Put what was asked on several sides beside each other: `compare(tag=["a", "b"])`.

        The same words, asked on two sides, stand in one row with the newest turn of each. A
        notebook shows it as a table; `to_html` saves it.

        Args:
            limit: Of each side at most so many of the newest turns are looked at.
            **filters: One of `tag`, `model`, `user_id`, `tool`, `thread_id` with a list of
                values, a side each; the other filters narrow all sides down.

        Raises:
            ArgumentError: if not exactly one filter names several values.
        """
        return act("compare", self, limit=limit, **filters)
