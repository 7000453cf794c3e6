"""What the recorded chains, models, tools and retrievers are to leave."""

from __future__ import annotations

from typing import Any

from tests.recordings.streams import Sitting
from tests.scenarios.script import Chat, Found, Observed, Turn, assistant, call, said, user


def _chain(*streams: str, turns: tuple[Turn, ...], **more: Any) -> Sitting:
    """A call that names no conversation; each turn is one of its own."""
    return Sitting(streams, tuple(Chat((turn,), thread=None) for turn in turns), **more)


def _answered(stream: str, question: str, answer: str, **more: Any) -> Sitting:
    return _chain(stream, turns=(Turn(said(question, answer)),), **more)


def _unanswered(stream: str, status: str, question: str, heard: str | None = None) -> Sitting:
    """The question, and what was heard of an answer that nobody got whole."""
    part = () if heard is None else (assistant(heard, partial=True),)
    return _chain(stream, turns=(Turn((user(question), *part), status=status),))


def _trace(*streams: str, turns: int = 1, status: str = "ok") -> Sitting:
    """Calls in which nobody said anything to anybody."""
    return _chain(*streams, turns=(Turn((), status=status, kind="trace"),) * turns)


_ALL_KINDS_OF_PARTS = Turn(
    (user("what is it?"), assistant("Paris", call("add", "c1", a=1, b=2))),
    (Observed("add", {"a": 1, "b": 2}, "not_run", None, "c1", "Paris"),),
)
_HELLO = "Hello there friend"
_FIRST = Turn(said("first q", "Answer one"))
_SECOND = Turn(said("second q", "Answer two"))
_SESSION = {"session_id": "S-1"}

_CALLS = (
    _answered("lcel_invoke", "hi", _HELLO),
    _answered("lcel_ainvoke_async_handler", "hi", _HELLO),
    _answered("lcel_ainvoke_sync_handler", "hi", _HELLO),
    _answered("lcel_ainvoke_sync_inline", "hi", _HELLO),
    _answered("lcel_invoke_async_handler_in_loop", "hi", _HELLO),
    _answered("lcel_invoke_async_handler_no_loop", "hi", _HELLO),
    _answered("lcel_stream", "hi", f"{_HELLO} "),
    _answered("lcel_astream", "hi", f"{_HELLO} "),
    _chain("lcel_batch", turns=(Turn(said("a", _HELLO)), Turn(said("b", _HELLO)))),
    _chain("lcel_abatch", turns=(Turn(said("a", _HELLO)), Turn(said("b", _HELLO)))),
    _answered("sync_lambda_in_ainvoke", "q", "x"),
    _answered("runnable_retry", "q", "second time ok"),
    # the models' parent is hidden: three roots, if one believed the arguments
    _answered("fallback", "q", "from fallback", around={"r2": "r1", "r3": "r1"}),
    _answered("langsmith_traceable_outer", "q", "x"),
    _answered("model_astream_events_v2", "q", "hello world "),
    _chain("llm_cache_hit", turns=(Turn(said("q", "cached!")), Turn(said("q", "cached!")))),
    _chain(
        "rag_lcel",
        turns=(
            Turn(
                said("what?", "purr"),
                found=(Found("cats purr", 0.0, "d1"), Found("dogs bark", 0.0, "")),
            ),
        ),
    ),
)

_PARTS = tuple(
    _chain(stream, turns=(_ALL_KINDS_OF_PARTS,))
    for stream in (
        "blocks_invoke_v0",
        "blocks_invoke_v1",
        "blocks_stream_v0",
        "blocks_stream_v1",
        "model_stream_events_v3",
    )
)

_ENDINGS = (
    _unanswered("ainvoke_cancelled_async", "cancelled", "b"),
    _unanswered("ainvoke_cancelled_inline", "cancelled", "b"),
    _unanswered("ainvoke_cancelled_sync", "cancelled", "b"),
    _unanswered("astream_abandoned_aclose", "stopped", "b", "one "),
    _unanswered("astream_abandoned_break", "stopped", "b", "one "),
    _unanswered("model_astream_abandoned", "stopped", "q", "one "),
    _unanswered("model_stream_abandoned_close", "stopped", "q", "one "),
    # LangChain drains the model after its consumer has left
    _unanswered("stream_abandoned_close", "stopped", "b", "one two three four five "),
    _unanswered("stream_abandoned_gc", "stopped", "b", "one two three four five "),
    _unanswered("parser_error", "error", "q", "not json"),
)

# the session id stands in `configurable` only, in every hook but the root's own
_HISTORIES = (
    Sitting(("lc_history_turn1",), (Chat((_FIRST,), "S-1"),), configurable=_SESSION),
    Sitting(
        ("lc_history_turn2",),
        (Chat((_SECOND,), "S-1", prelude=_FIRST.said),),
        configurable=_SESSION,
    ),
    Sitting(
        ("lc_history_turn1", "lc_history_turn2"),
        (Chat((_FIRST, _SECOND), "S-1"),),
        configurable=_SESSION,
        same_as={
            "lc_history_turn2 r5": "r8",
            **{f"lc_history_turn2 r{n}": f"second r{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9)},
        },
    ),
)

_TRACES = (
    _trace("custom_event"),
    _trace("lcel_parallel"),
    _trace("retriever_error", status="error"),
    _trace("tool_direct", turns=2),
)

CHAINS = (*_CALLS, *_PARTS, *_ENDINGS, *_HISTORIES, *_TRACES)
