"""Realistic conversations to draw, list and search, each showing what a real one can hold."""

from __future__ import annotations

from threadline.model import (
    BlobPart,
    Conversation,
    Document,
    Event,
    Failure,
    Feedback,
    GenericPart,
    Message,
    Prompt,
    Rating,
    ReasoningPart,
    Span,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
    Usage,
)

MS = 1_000_000
SECOND = 1000 * MS
START = 1_795_255_200 * SECOND  # 2026-11-21 10:00:00 UTC
NOW = START + 2 * 3600 * SECOND


def said(role: str, text: str, at: float, **more) -> Message:
    """A message, `at` seconds after the start."""
    parts = more.pop("parts", None) or (TextPart(text),)
    ident = f"m-{role}-{at:g}"
    return Message(
        **{"id": ident, "role": role, "parts": parts, "at_ns": START + int(at * SECOND), **more}
    )


def span(kind: str, name: str, start: float, end: float | None, **more) -> Span:
    """A span, its times in seconds after the start."""
    return Span(
        **{
            "id": f"s-{kind}-{name}-{start:g}",
            "kind": kind,
            "name": name,
            "status": "ok",
            "started_ns": START + int(start * SECOND),
            "ended_ns": None if end is None else START + int(end * SECOND),
            **more,
        }
    )


def observed(name: str, call_id: str | None, start: float, end: float, **more) -> ToolObservation:
    """A tool observation, its times in seconds after the start."""
    return ToolObservation(
        **{
            "id": f"o-{name}-{start:g}",
            "name": name,
            "outcome": "ok",
            "call_id": call_id,
            "started_ns": START + int(start * SECOND),
            "ended_ns": START + int(end * SECOND),
            "span_ids": (f"s-tool-{name}-{start:g}",),
            **more,
        }
    )


def turn(thread_id: str, start: float, end: float | None, *messages: Message, **more) -> Turn:
    """A turn, its times in seconds after the start."""
    return Turn(
        **{
            "id": f"0192f0c1-7b1e-7cc3-98c4-{int(start * 10):012d}",
            "thread_id": thread_id,
            "status": Status.OK,
            "started_ns": START + int(start * SECOND),
            "ended_ns": None if end is None else START + int(end * SECOND),
            "messages": messages,
            **more,
        }
    )


def conversation(thread_id: str, *turns: Turn, **more) -> Conversation:
    """A conversation of some turns."""
    return Conversation(
        **{
            "thread_id": thread_id,
            "turns": turns,
            "created_ns": turns[0].started_ns,
            "updated_ns": turns[-1].ended_ns or turns[-1].started_ns,
            **more,
        }
    )


_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {}, "days": {}}},
    },
}


def _weather() -> Conversation:
    calls = (
        ToolCallPart("weather", {"city": "Paris", "days": 2}, "call_1"),
        ToolCallPart("weather", {"city": "Rome", "days": 2}, "call_2"),
    )
    first = turn(
        "trip-0412",
        0,
        2.3,
        said("user", "Which is drier tomorrow, Paris or Rome?", 0),
        said("assistant", "", 0.8, parts=calls),
        said("tool", "", 1.1, parts=(ToolCallResponsePart("rain, 11 °C", "call_1"),)),
        said("tool", "", 1.9, parts=(ToolCallResponsePart("timed out", "call_2", error=True),)),
        said("assistant", "Paris will be wet. I could not reach the forecast for Rome.", 2.3),
        name="travel_agent",
        tool_observations=(
            observed(
                "weather", "call_1", 0.81, 1.12, arguments=calls[0].arguments, result="rain, 11 °C"
            ),
            observed(
                "weather",
                "call_2",
                0.82,
                1.93,
                arguments=calls[1].arguments,
                outcome="error",
                error=Failure("TimeoutError", "the forecast of Rome did not answer within 1 s"),
                span_ids=("s-a", "s-b", "s-c"),
            ),
        ),
        spans=(
            span("agent", "travel_agent", 0, 2.3, id="root"),
            span(
                "llm",
                "ChatOpenAI",
                0.01,
                0.8,
                parent_id="root",
                model="gpt-4o-mini",
                usage=Usage(input_tokens=412, output_tokens=36),
                finish_reason="tool_calls",
            ),
            span("step", "tools", 0.81, 1.94, id="tools", parent_id="root"),
            span(
                "tool",
                "weather",
                0.81,
                1.12,
                id="w1",
                parent_id="tools",
                arguments=calls[0].arguments,
                result="rain, 11 °C",
            ),
            span(
                "tool",
                "weather",
                0.82,
                1.93,
                id="w2",
                parent_id="tools",
                status="error",
                error=Failure("TimeoutError", "the forecast of Rome did not answer within 1 s"),
            ),
            span(
                "llm",
                "ChatOpenAI",
                1.95,
                2.29,
                id="llm2",
                parent_id="root",
                model="gpt-4o-mini",
                usage=Usage(input_tokens=498, output_tokens=21, cache_read_tokens=384),
                first_chunk_ns=START + 2070 * MS,
                finish_reason="stop",
                prompt=Prompt(name="travel", version="3", variables={"city": "Paris"}),
                parameters={"temperature": 0.2},
                tools=(_WEATHER_TOOL, {"name": "refund"}),
                input_messages=(
                    said("system", "Be kind.\nBe brief.", 0),
                    said("user", "Which is drier tomorrow, Paris or Rome?", 0),
                    said("assistant", "", 0.8, parts=(ReasoningPart("Two calls."), *calls)),
                    said("tool", "", 1, parts=(ToolCallResponsePart("rain, 11 °C", "call_1"),)),
                    said(
                        "tool", "", 1, parts=(ToolCallResponsePart("late", "call_2", error=True),)
                    ),
                ),
                output_messages=(said("assistant", "Paris will be wet.", 2.3),),
            ),
        ),
        ratings=(
            Rating(
                id="r1",
                at_ns=START,
                value=-1,
                comment="Half an answer",
                message_id="m-assistant-2.3",
            ),
        ),
    )
    side = turn(
        "trip-0412",
        2.4,
        2.7,
        said("user", "Give this chat a title", 2.4),
        kind="trace",
        name="title",
        spans=(span("llm", "ChatOpenAI", 2.4, 2.7, model="gpt-4o-mini"),),
    )
    second = turn(
        "trip-0412",
        65,
        66.2,
        said("user", "Try Rome again, please.", 65),
        said("assistant", "Rome stays dry tomorrow: sunny, 17 °C.", 66.2, rating=1.0),
        name="travel_agent",
        events=(Event(id="e1", at_ns=START, name="Checkout", metadata={"total": "128.40"}),),
    )
    return conversation(
        "trip-0412",
        first,
        side,
        second,
        user_id="u-881",
        title="A dry weekend",
        tags=("beta", "web"),
        metadata={"plan": "pro", "locale": "en-GB"},
        ratings=(Rating(id="r9", at_ns=START, name="helpfulness", value=0.8, source="judge-v2"),),
        feedback=(
            Feedback(id="f1", at_ns=START, text="Nice in the end.\nBut slow.", user_id="u-881"),
        ),
    )


def _stopped() -> Conversation:
    return conversation(
        "story-7",
        turn(
            "story-7",
            600,
            601.4,
            said("user", "Tell me a long story.", 600),
            said(
                "assistant",
                "Once upon a time there was a lighthouse keeper who",
                601.4,
                partial=True,
            ),
            status=Status.STOPPED,
        ),
        user_id="u-17",
    )


def _failed() -> Conversation:
    error = Failure("RateLimitError", "429: you exceeded your current quota")
    return conversation(
        "support-31",
        turn(
            "support-31",
            900,
            900.4,
            said("user", "Where is my order 4711?", 900),
            status=Status.ERROR,
            error=error,
            spans=(span("llm", "gpt-4o", 900, 900.4, status="error", error=error),),
        ),
    )


def _interrupted() -> Conversation:
    call = ToolCallPart("refund", {"order": "4711", "amount": 128.4}, "call_9")
    return conversation(
        "support-32",
        turn(
            "support-32",
            1200,
            1201,
            said("system", "You are the support of a shop.", 1199),
            said("user", "Refund order 4711.", 1200),
            said(
                "assistant",
                "I can do that once somebody approves it.",
                1201,
                parts=(
                    ReasoningPart("More than 100 euros: the policy asks for a human."),
                    TextPart("I can do that once somebody approves it."),
                    call,
                ),
            ),
            status=Status.INTERRUPTED,
        ),
        user_id="u-17",
        tenant="shop-eu",
    )


def _rag() -> Conversation:
    documents = tuple(
        Document(
            text=f"Section {n}. The reading room opens at ten.",
            id=f"doc-{n}",
            score=0.9 - n / 20,
            metadata={"title": f"Opening hours, branch {n}"} if n % 2 else {},
        )
        for n in range(1, 8)
    )
    return conversation(
        "library-5",
        turn(
            "library-5",
            1500,
            1502,
            said("user", "And on Sunday?", 1500),
            said("assistant", "On Sunday the reading room is open from 10:00 to 16:00.", 1502),
            spans=(
                span("workflow", "rag", 1500, 1502, id="rag"),
                span("llm", "condense", 1500, 1500.4, parent_id="rag", model="gpt-4o-mini"),
                span(
                    "retriever",
                    "VectorStoreRetriever",
                    1500.4,
                    1500.44,
                    parent_id="rag",
                    query="reading room opening hours Sunday",
                    documents=documents,
                ),
                span("llm", "answer", 1500.5, 1502, parent_id="rag", model="gpt-4o"),
            ),
        ),
        metadata={"branch": "north"},
    )


def _prelude() -> Conversation:
    earlier = tuple(
        said(
            "user" if n % 2 else "assistant",
            f"Earlier words {n}",
            0,
            id=f"p-{n}",
            at_ns=None,
            kind="prelude",
        )
        for n in range(1, 13)
    )
    return conversation(
        "attached-1",
        turn(
            "attached-1",
            1800,
            1801,
            said("user", "Go on.", 1800),
            said("assistant", "Gladly.", 1801),
        ),
        prelude=earlier,
    )


def _unicode() -> Conversation:
    return conversation(
        "多言語-1",
        turn(
            "多言語-1",
            2100,
            2101,
            said("user", "東京の天気は? 👩‍👩‍👧‍👦 می‌خواهم بدانم — مرحبا", 2100),
            said(
                "assistant",
                "東京は晴れです。" * 12 + " ❤️‍🔥 क्‍ष",
                2101,
                parts=(
                    TextPart("東京は晴れです。" * 12 + " ❤️‍🔥 क्‍ष"),
                    BlobPart(b"\x89PNG" * 1200, mime_type="image/png"),
                    GenericPart("citation", {"url": "https://example.org"}),
                ),
            ),
        ),
        user_id="ユーザー",
    )


def _long() -> Conversation:
    paragraph = (
        "The lighthouse stood at the end of the pier, and nobody had climbed it for years. " * 6
    )
    code = "Like so:\n\n    def climb(stairs: int) -> str:\n        return 'up ' * stairs\n\n"
    return conversation(
        "0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f",
        turn(
            "0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f",
            2400,
            2412,
            said("user", "Write a lot.", 2400),
            said("assistant", (paragraph + "\n\n" + code) * 14, 2412),
        ),
        id_source="generated",
    )


def _unfinished() -> Conversation:
    return conversation(
        "batch-9",
        turn(
            "batch-9",
            2700,
            None,
            said("user", "Count to a million.", 2700),
            status=Status.ABANDONED,
            tool_observations=(
                observed("counter", None, 2700, 2701, arguments="1000000", outcome="cancelled"),
            ),
        ),
        turn("batch-9", 3000, None, said("user", "Again.", 3000), status=Status.RUNNING),
    )


def retried() -> Conversation:
    """A question that failed twice, the second time with no words of the user beside it."""
    return conversation(
        "retry-3",
        turn("retry-3", 0, 1, said("user", "Hello?", 0), status=Status.ERROR),
        turn("retry-3", 2, 3, kind="trace"),
        turn("retry-3", 4, 5, status=Status.CANCELLED),
        turn("retry-3", 6, 7, said("assistant", "Hi there", 7)),
        turn("retry-3", 8, 9, said("assistant", "Are you still there?", 9)),
    )


def all_samples() -> tuple[Conversation, ...]:
    """Every sample, oldest first."""
    return (
        _weather(),
        _stopped(),
        _failed(),
        _interrupted(),
        _rag(),
        _prelude(),
        _unicode(),
        _long(),
        _unfinished(),
    )
