"""What the recorded runs of Haystack are to leave: who said what, and how each turn ended."""

from __future__ import annotations

from tests.scenarios.script import (
    Chat,
    Found,
    Observed,
    Starts,
    Turn,
    assistant,
    call,
    said,
    tool,
    turns,
    user,
)

_ADD = call("add", "c1", a=1, b=2)
_ADDS = (_ADD, call("add", "c2", a=3, b=4))
_FOUND = (
    Found("Jean lives in Paris", 1.322, "3f7799cfcd49…"),
    Found("Mark lives in Berlin", 0.456, "cc96447b5bd9…"),
)
_RAG = Turn(said("Who lives in Paris?", "Paris."), found=_FOUND)
_NOPE = "Tool 'nope' not found. Available tools: boom"
_KAPUT = "Failed to invoke Tool `boom` with parameters {'x': 1}. Error: kaput"
_HEY = {"messages": [{"role": "user", "content": [{"text": "hey"}]}]}
_BOOMS = (call("boom", "c1", x=1), call("nope", "c2"))


def _one(*told: Turn, thread: str | None = None) -> tuple[Chat, ...]:
    return (Chat(told, thread),)


def _parallel(question: str) -> Turn:
    return Turn(
        (
            user(question),
            assistant("checking", *_ADDS),
            tool("c1", "3"),
            tool("c2", "7"),
            assistant("3 and 7"),
        ),
        (
            Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "checking"),
            Observed("add", {"a": 3, "b": 4}, "ok", "7", "c2", "checking"),
        ),
    )


def _decided(decision: str, arguments: dict[str, int], outcome: str, result: str) -> Turn:
    lines = (user("q"), assistant("", _ADD), tool("c1", result), assistant("done"))
    return Turn(lines, (Observed("add", arguments, outcome, result, "c1", None, decision),))


EXPECTED: dict[tuple[str, ...], tuple[Chat, ...]] = {
    ("rag_sync",): _one(_RAG),
    ("rag_async",): _one(_RAG),
    ("supercomponent",): _one(*turns(["Who?", "Paris."])),
    ("pipeline_error",): _one(Turn((user("q"),), status="error")),
    ("async_parallel_components",): _one(Turn((), kind="trace")),
    ("async_cancelled",): _one(Turn((user("q"),), status="cancelled")),
    # everything was read and then the generator was closed by another task
    ("async_generator_closed_elsewhere",): _one(
        Turn(
            (user("Who lives in Paris?"), assistant("Paris.", partial=True)),
            status="stopped",
            found=_FOUND,
        )
    ),
    ("pipeline_stream",): _one(*turns(["q", "one two three"])),
    ("pipeline_stream_abandoned",): _one(*turns(["q", "one two three"])),
    ("streaming_callback",): _one(*turns(["q", "one two three"])),
    ("chat_history_turn1", "chat_history_turn2"): _one(
        *turns(["q1", "A1"], ["q2", "A2"]), thread="H1"
    ),
    ("connector_invocation_context",): (Chat(turns(["q", "hi"]), "T1", (), "u"),),
    # no id in the application: the second half is a conversation of its own, and the first, in
    # which no model was reached, could as well be no conversation at all
    ("breakpoint", "breakpoint_resume"): (
        *_one(Turn((), status="interrupted", kind="trace")),
        *_one(*turns(["x", "hi"])),
    ),
    ("agent_parallel",): _one(_parallel("1+2 and 3+4?")),
    ("agent_parallel_async",): _one(_parallel("q")),
    ("agent_in_pipeline_two_turns",): _one(*turns(["q1", "A1"], ["q2", "A2"])),
    ("agent_llm_error",): _one(Turn((user("q"),), status="error")),
    ("agent_hitl_confirm",): _one(_decided("approve", {"a": 1, "b": 2}, "ok", "3")),
    ("agent_hitl_modify",): _one(_decided("edit", {"a": 100, "b": 1}, "ok", "101")),
    ("agent_hitl_reject",): _one(
        _decided("reject: user said no", {"a": 1, "b": 2}, "rejected", "user said no")
    ),
    ("agent_tool_fail_raise_True",): _one(
        Turn(
            (user("q"), assistant("", *_BOOMS)),
            (
                Observed("boom", {"x": 1}, "not_run", None, "c1"),
                Observed("nope", {}, "not_run", None, "c2"),
            ),
            status="error",
        )
    ),
    ("agent_tool_fail_raise_False",): _one(
        Turn(
            (
                user("q"),
                assistant("", *_BOOMS),
                tool("c1", _KAPUT),
                tool("c2", _NOPE),
                assistant("sorry"),
            ),
            (
                Observed("boom", {"x": 1}, "error", Starts("ToolInvocationError"), "c1"),
                Observed("nope", {}, "unknown_tool", _NOPE, "c2"),
            ),
        )
    ),
    ("agent_subagent",): _one(
        Turn(
            (
                user("q"),
                assistant("", call("ask_sub", "c1", **_HEY)),
                tool("c1", Starts('{"')),
                assistant("fin"),
            ),
            (
                Observed(
                    "ask_sub",
                    _HEY,
                    "ok",
                    Starts('{"'),
                    "c1",
                ),
            ),
        )
    ),
}
