"""What was recorded as tables: which there are, their columns, and the rows of a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from threadline.errors import ArgumentError
from threadline.render.tokens import tokens_of
from threadline.render.values import json_text, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from threadline.model import ConversationSummary, Failure, Turn, Usage

Kind = Literal["text", "texts", "category", "time", "count", "number", "truth"]
Row = tuple[Any, ...]

_SECOND: Final = 1_000_000_000


class Column(NamedTuple):
    """A column: its name and what it holds. Times are nanoseconds since 1970, in UTC."""

    name: str
    kind: Kind


class Table(NamedTuple):
    """A table of what turns hold."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[Turn], Iterable[Row]]


CONVERSATIONS: Final = "conversations"


def table_of(name: object) -> Table:
    """Return the table of this name; of `conversations` only the columns count.

    Raises:
        ArgumentError: if there is none.
    """
    found = next((table for table in TABLES if table.name == name), None)
    if found is None:
        allowed = ", ".join(table.name for table in TABLES)
        raise ArgumentError(argument="table", value=name, allowed=f"one of {allowed}")
    return found


def conversation_row(summary: ConversationSummary) -> Row:
    """Return the row of a conversation."""
    return (
        summary.thread_id,
        summary.tenant,
        summary.id_source,
        summary.user_id,
        summary.title,
        list(summary.tags),
        summary.created_ns or None,
        summary.updated_ns or None,
        summary.turn_count,
        summary.message_count,
        summary.last_status.value if summary.last_status else None,
        summary.preview,
    )


def _no_rows(turn: Turn) -> Iterable[Row]:
    del turn
    return ()


def _turn_rows(turn: Turn) -> Iterator[Row]:
    judged = [r.value for r in turn.ratings if r.name == "rating" and r.value is not None]
    yield (
        turn.id,
        turn.thread_id,
        turn.tenant,
        turn.kind,
        turn.status.value,
        turn.name,
        turn.user_id,
        list(turn.tags),
        turn.started_ns,
        turn.ended_ns,
        _seconds(turn.duration_ns),
        turn.input,
        turn.output,
        *_failure(turn.error),
        len(turn.llm_calls),
        len(turn.tool_observations),
        *_usage(tokens_of((turn,))),
        judged[-1] if judged else None,
        turn.app,
        turn.environment,
        turn.release,
        json_text(turn.metadata) if turn.metadata else None,
    )


def _message_rows(turn: Turn) -> Iterator[Row]:
    for place, message in enumerate(turn.messages):
        calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls]
        yield (
            message.id,
            turn.id,
            turn.thread_id,
            turn.tenant,
            place,
            message.role,
            message.name,
            message.text,
            message.at_ns,
            message.partial,
            message.rating,
            json_text(calls) if calls else None,
            json_text(message.metadata) if message.metadata else None,
        )


def _observation_rows(turn: Turn) -> Iterator[Row]:
    for seen in turn.tool_observations:
        yield (
            seen.id,
            turn.id,
            turn.thread_id,
            turn.tenant,
            seen.name,
            seen.outcome,
            seen.call_id,
            None if seen.arguments is None else json_text(seen.arguments),
            None if seen.result is None else value_text(seen.result),
            *_failure(seen.error),
            seen.started_ns,
            seen.ended_ns,
            _seconds(seen.duration_ns),
            len(seen.span_ids),
        )


def _span_rows(turn: Turn) -> Iterator[Row]:
    for span in turn.spans:
        yield (
            span.id,
            turn.id,
            turn.thread_id,
            turn.tenant,
            span.parent_id,
            span.kind,
            span.name,
            span.status,
            span.started_ns,
            span.ended_ns,
            _seconds(span.duration_ns),
            _seconds(span.time_to_first_chunk_ns),
            span.model,
            span.provider,
            *_usage(span.usage),
            span.finish_reason,
            *_failure(span.error),
        )


def _rating_rows(turn: Turn) -> Iterator[Row]:
    for rating in turn.ratings:
        yield (
            rating.id,
            rating.turn_id or turn.id,
            turn.thread_id,
            turn.tenant,
            rating.message_id,
            rating.span_id,
            rating.name,
            rating.value,
            rating.label,
            rating.comment,
            rating.source,
            rating.user_id,
            rating.at_ns,
        )


def _seconds(length_ns: int | None) -> float | None:
    return None if length_ns is None else length_ns / _SECOND


def _failure(failure: Failure | None) -> tuple[str | None, str | None]:
    return (None, None) if failure is None else (failure.type, failure.message)


def _usage(usage: Usage | None) -> tuple[int | None, ...]:
    if usage is None:
        return (None,) * 5
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def _columns(written: str) -> tuple[Column, ...]:
    """Read columns as they stand below: `name:kind name:kind`."""
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    pairs = [word.partition(":") for word in written.split()]
    return tuple(Column(name, kinds[kind]) for name, _, kind in pairs)


_WHERE: Final = "turn_id:text thread_id:text tenant:category "
_FAILURE: Final = "error_type:category error:text "
_TIMES: Final = "started:time ended:time duration_s:number "
_TOKENS: Final = (
    "input_tokens:count output_tokens:count cache_read_tokens:count"
    " cache_write_tokens:count reasoning_tokens:count "
)
TABLES: Final = (
    Table(
        CONVERSATIONS,
        _columns(
            "thread_id:text tenant:category id_source:category user_id:text title:text tags:texts"
            " created:time updated:time turns:count messages:count last_status:category"
            " preview:text"
        ),
        _no_rows,
    ),
    Table(
        "turns",
        _columns(
            _WHERE
            + "kind:category status:category name:category user_id:text tags:texts "
            + _TIMES
            + "input:text output:text "
            + _FAILURE
            + "model_calls:count tool_observations:count "
            + _TOKENS
            + "rating:number app:category environment:category release:category metadata:text"
        ),
        _turn_rows,
    ),
    Table(
        "messages",
        _columns(
            "message_id:text "
            + _WHERE
            + "place:count role:category name:category text:text at:time partial:truth"
            " rating:number tool_calls:text metadata:text"
        ),
        _message_rows,
    ),
    Table(
        "tool_observations",
        _columns(
            "tool_observation_id:text "
            + _WHERE
            + "name:category outcome:category call_id:text arguments:text result:text "
            + _FAILURE
            + _TIMES
            + "attempts:count"
        ),
        _observation_rows,
    ),
    Table(
        "spans",
        _columns(
            "span_id:text "
            + _WHERE
            + "parent_id:text kind:category name:category status:category "
            + _TIMES
            + "first_chunk_s:number model:category provider:category "
            + _TOKENS
            + "finish_reason:category "
            + _FAILURE
        ),
        _span_rows,
    ),
    Table(
        "ratings",
        _columns(
            "rating_id:text "
            + _WHERE
            + "message_id:text span_id:text name:category value:number label:category comment:text"
            " source:category user_id:text at:time"
        ),
        _rating_rows,
    ),
)
