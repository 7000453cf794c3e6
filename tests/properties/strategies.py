"""Hypothesis strategies for all records of the model; reusable by every property test.

`turns` and `conversations` hold together as a real one does: records name their turn, tool
observations answer calls of the turn's messages, in call order.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import strategies as st
from msgspec.structs import replace

from threadline.model import (
    BlobPart,
    Conversation,
    Document,
    Event,
    Failure,
    Feedback,
    FilePart,
    GenericPart,
    Message,
    Prompt,
    Rating,
    ReasoningPart,
    Retrieval,
    Span,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
    UriPart,
    Usage,
)
from threadline.model.span import SpanKind, SpanStatus
from threadline.model.turn import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

texts = st.text(max_size=12)
words = st.text("abcxyz-_é ", min_size=1, max_size=8)
wild_texts = st.text(
    st.one_of(st.characters(), st.characters(categories=("Cs",)), st.sampled_from("\ud83d\ude00")),
    max_size=8,
)
"""Text as a broken decoder leaves it: with lone surrogates, and pairs of them."""

ids = st.text("abcdef0123456789-", min_size=1, max_size=8)
call_ids = st.sampled_from(["call_0", "call_1", "call_2"])
# Whole milliseconds and not, before 1970, and past what fits in a date.
times_ns = st.one_of(
    st.integers(0, 4_000).map(lambda ms: 1_700_000_000_000_000_000 + ms * 1_000_000),
    st.integers(-(2**62), 2**63 - 1),
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
metadata = st.dictionaries(texts, json_values, max_size=2)
tags = st.lists(words, max_size=2).map(tuple)
extras = st.none() | metadata

tool_call_parts = st.builds(ToolCallPart, words, json_values, st.none() | call_ids)
tool_call_response_parts = st.builds(
    ToolCallResponsePart, json_values, st.none() | call_ids, st.booleans()
)
parts = st.one_of(
    st.builds(TextPart, texts, extras),
    st.builds(ReasoningPart, texts, extras),
    tool_call_parts,
    tool_call_response_parts,
    st.builds(BlobPart, st.binary(max_size=6), st.none() | words, st.none() | words, extras),
    st.builds(FilePart, words, st.none() | words, st.none() | words, extras),
    st.builds(UriPart, words, st.none() | words, st.none() | words, extras),
    st.builds(GenericPart, words, json_values),
)
part_tuples = st.one_of(
    texts.map(lambda text: (TextPart(text),)), st.lists(parts, max_size=3).map(tuple)
)
failures = st.builds(Failure, words, texts)
ratings_given = st.none() | st.sampled_from([-1.0, 0.0, 1.0, 4.5])

messages = st.builds(
    Message,
    id=ids,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    parts=part_tuples,
    name=st.none() | words,
    kind=st.sampled_from(["said", "prelude", "context"]),
    at_ns=st.none() | times_ns,
    turn_id=st.none() | ids,
    framework_id=st.none() | ids,
    partial=st.booleans(),
    rating=ratings_given,
    metadata=metadata,
)
tool_observations = st.builds(
    ToolObservation,
    id=ids,
    name=words,
    outcome=st.sampled_from(get_args(Outcome)),
    call_id=st.none() | call_ids,
    thought=st.none() | texts,
    arguments=json_values,
    result=json_values,
    error=st.none() | failures,
    started_ns=st.none() | times_ns,
    ended_ns=st.none() | times_ns,
    span_ids=st.lists(ids, max_size=2).map(tuple),
    turn_id=st.none() | ids,
    message_id=st.none() | ids,
)
documents = st.builds(
    Document, text=texts, id=st.none() | ids, score=st.none() | numbers, metadata=metadata
)
retrievals = st.builds(
    Retrieval,
    span_id=ids,
    name=words,
    query=texts,
    documents=st.lists(documents, max_size=2).map(tuple),
)
tokens = st.none() | st.integers(0, 10**6)
usages = st.builds(Usage, input_tokens=tokens, output_tokens=tokens, cache_read_tokens=tokens)
prompts = st.builds(Prompt, name=st.none() | words, version=st.none() | words, variables=metadata)
spans = st.builds(
    Span,
    id=ids,
    kind=st.sampled_from(get_args(SpanKind)),
    name=words,
    status=st.sampled_from(get_args(SpanStatus)),
    started_ns=times_ns,
    ended_ns=st.none() | times_ns,
    parent_id=st.none() | ids,
    error=st.none() | failures,
    model=st.none() | words,
    usage=st.none() | usages,
    parameters=metadata,
    tools=st.lists(metadata, max_size=1).map(tuple),
    prompt=st.none() | prompts,
    input_messages=st.lists(messages, max_size=1).map(tuple),
    arguments=json_values,
    documents=st.lists(documents, max_size=1).map(tuple),
    attributes=metadata,
)
ratings = st.builds(
    Rating,
    id=ids,
    at_ns=times_ns,
    name=words,
    value=st.none() | numbers,
    label=st.none() | words,
    comment=st.none() | texts,
    source=words,
    user_id=st.none() | ids,
    turn_id=st.none() | ids,
    message_id=st.none() | ids,
)
feedback = st.builds(Feedback, id=ids, at_ns=times_ns, text=texts, user_id=st.none() | ids)
events = st.builds(
    Event, id=ids, at_ns=times_ns, name=words, metadata=metadata, thread_id=st.none() | ids
)


@st.composite
def turns(draw: DrawFn, turn_id: str = "turn", thread_id: str = "thread") -> Turn:
    """One turn: messages with calls, what was observed of them, the tools' answers, events."""
    said = draw(st.lists(messages, max_size=4))
    said = [
        replace(m, id=f"{turn_id}/m{n}", turn_id=turn_id, kind="said") for n, m in enumerate(said)
    ]
    for number in range(draw(st.integers(0, 2))):
        said += draw(_tool_rounds(f"{turn_id}/r{number}", turn_id))
    return Turn(
        id=turn_id,
        thread_id=thread_id,
        status=draw(st.sampled_from(Status)),
        started_ns=draw(times_ns),
        ended_ns=draw(st.none() | times_ns),
        kind=draw(st.sampled_from(["turn", "turn", "trace"])),
        tenant=draw(st.none() | words),
        name=draw(st.none() | words),
        user_id=draw(st.none() | ids),
        tags=draw(tags),
        metadata=draw(metadata),
        continues=draw(st.none() | ids),
        error=draw(st.none() | failures),
        app=draw(st.none() | words),
        messages=tuple(said),
        tool_observations=tuple(draw(_observations(said, turn_id))),
        spans=tuple(draw(st.lists(spans, max_size=1))),
        ratings=tuple(draw(st.lists(ratings, max_size=1))),
        feedback=tuple(draw(st.lists(feedback, max_size=1))),
        events=_numbered(draw(st.lists(events, max_size=2)), turn_id, turn_id),
    )


@st.composite
def conversations(draw: DrawFn) -> Conversation:
    """What one thread id holds, with everything that a conversation can have."""
    count = draw(st.integers(0, 3))
    return Conversation(
        thread_id=draw(ids),
        tenant=draw(st.none() | words),
        id_source=draw(st.sampled_from(["application", "generated"])),
        user_id=draw(st.none() | ids),
        title=draw(st.none() | texts),
        tags=draw(tags),
        metadata=draw(metadata),
        created_ns=draw(times_ns),
        updated_ns=draw(times_ns),
        prelude=tuple(replace(m, kind="prelude") for m in draw(st.lists(messages, max_size=1))),
        turns=tuple(draw(turns(f"turn-{n}")) for n in range(count)),
        ratings=tuple(draw(st.lists(ratings, max_size=1))),
        feedback=tuple(draw(st.lists(feedback, max_size=2))),
        events=_numbered(draw(st.lists(events, max_size=2)), "conversation", None),
    )


records = st.one_of(
    messages,
    tool_observations,
    retrievals,
    spans,
    ratings,
    feedback,
    events,
    turns(),
    conversations(),
)


def _numbered(some: Sequence[Event], owner: str, turn_id: str | None) -> tuple[Event, ...]:
    return tuple(replace(e, id=f"{owner}/e{n}", turn_id=turn_id) for n, e in enumerate(some))


@st.composite
def _tool_rounds(draw: DrawFn, prefix: str, turn_id: str) -> list[Message]:
    """An assistant message with calls, and the tools' answers in any order."""
    calls = draw(st.lists(tool_call_parts, min_size=1, max_size=3))
    answered = draw(st.permutations([part.id for part in calls if part.id is not None]))
    asking = draw(messages)
    told = [replace(asking, role="assistant", parts=(*asking.parts, *calls))]
    for call_id in answered:
        message = draw(messages)
        response = replace(draw(tool_call_response_parts), id=call_id)
        told.append(replace(message, role="tool", parts=(response,)))
    return [
        replace(m, id=f"{prefix}/{n}", turn_id=turn_id, kind="said") for n, m in enumerate(told)
    ]


@st.composite
def _observations(draw: DrawFn, said: Sequence[Message], turn_id: str) -> list[ToolObservation]:
    """What was observed of the calls in `said`, in call order; not of every call."""
    found = [
        replace(draw(tool_observations), call_id=call_id, message_id=message.id)
        for message in said
        for call_id, count in Counter(part.id for part in message.tool_calls).items()
        if call_id is not None and count == 1 and draw(st.integers(0, 3))
    ]
    return [replace(o, id=f"{turn_id}/o{n}", turn_id=turn_id) for n, o in enumerate(found)]
