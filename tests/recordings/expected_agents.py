"""What the recorded agents are to leave: who said what, what the tools did, how each turn ended."""

from __future__ import annotations

from dataclasses import replace

from tests.recordings.streams import Sitting
from tests.scenarios.script import (
    Chat,
    Observed,
    Starts,
    Turn,
    assistant,
    call,
    said,
    tool,
    user,
)

_ADD = call("add", "c1", a=1, b=2)
_ADDED = Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1")
_REVIEWED = Starts("Note: a human reviewer replaced this tool call before it ran.")


def _agent(*streams: str, chat: Chat, **more: object) -> Sitting:
    return Sitting(streams, (chat,), **more)


def _one_tool(result: str, answer: str, observed: Observed, question: str = "go") -> Turn:
    """A question, one call with arguments as observed, its result and the answer."""
    asked = call(observed.name, "c1", **observed.arguments)
    lines = (user(question), assistant("", asked), tool("c1", result), assistant(answer))
    return Turn(lines, (observed,))


def _generated(*turns: Turn) -> Chat:
    return Chat(turns, thread=None)


# -- one turn each --------------------------------------------------------------------------------

_IN_PARALLEL = Turn(
    (
        user("go"),
        assistant("", _ADD, call("sadd", "c2", a=3, b=4)),
        tool("c1", "3"),
        tool("c2", "7"),
        assistant("3"),
    ),
    (_ADDED, Observed("sadd", {"a": 3, "b": 4}, "ok", "7", "c2")),
)
_BOTH = (call("add", "c1", a=1, b=2), call("search", "c2", q="cats"))
_TURN_1 = (
    user("1+2?"),
    assistant("let me check", *_BOTH),
    tool("c1", "3"),
    tool("c2", "found cats"),
    assistant("The answer is 3"),
)
_TURN_1_OBSERVED = (
    Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "let me check"),
    Observed("search", {"q": "cats"}, "ok", "found cats", "c2", "let me check"),
)
_TURN_2 = Turn(said("thanks", "second turn answer"))

_TURNS = (
    _agent("agent_astream_events_v3", chat=_generated(Turn(said("go", "it is 3 ")))),
    _agent("agent_astream_messages", chat=_generated(_one_tool("3", "it is 3 ", _ADDED))),
    _agent("agent_async_parallel_inline", chat=_generated(_IN_PARALLEL)),
    _agent("agent_async_parallel_threaded", chat=_generated(_IN_PARALLEL)),
    _agent(
        "agent_middleware",
        chat=_generated(
            _one_tool(
                "caught: kaput",
                "fin",
                Observed("boom", {"x": 1}, "error", "ValueError: kaput", "c1"),
                "q",
            )
        ),
    ),
    # LangSmith puts runs in between that we never see
    _agent(
        "agent_middleware_langsmith_local",
        chat=_generated(_one_tool("3", "3", _ADDED, "q")),
        around={"r3": "r2", "r6": "r5", "r9": "r8"},
    ),
    _agent(
        "agent_structured_tool_strategy",
        chat=_generated(
            _one_tool(
                "Returning structured response: value=3",
                '{"value":3}',
                Observed("Ans", {"value": 3}, "ok", "Returning structured response: value=3", "c1"),
                "q",
            )
        ),
    ),
    # what the agent inside the tool said is no part of the conversation
    _agent(
        "agent_subagent_tool",
        chat=_generated(
            _one_tool(
                "sub says hi",
                "done",
                Observed("ask_sub", {"q": "hey"}, "ok", "sub says hi", "c1"),
            )
        ),
    ),
    # neither is the summary, nor the call that made it
    _agent("agent_summarization_turn", chat=Chat((Turn(said("q2", "r2")),), "TH-9")),
    _agent(
        "agent_tool_bad_args",
        chat=_generated(
            _one_tool(
                Starts("Error invoking tool 'add' with kwargs {'a': 'NaN', 'b': 1}"),
                "sorry",
                Observed(
                    "add",
                    {"a": "NaN", "b": 1},
                    "error",
                    Starts("ValidationError: 1 validation error for add"),
                    "c1",
                ),
            )
        ),
    ),
    _agent(
        "agent_tool_command",
        chat=_generated(
            _one_tool("cmd!", "done", Observed("upd", {"x": 1}, "ok", "cmd!", "c1")),
        ),
    ),
    _agent(
        "agent_tool_error_raises",
        chat=_generated(
            Turn(
                (user("go"), assistant("", call("boom", "c1", x=5))),
                (Observed("boom", {"x": 5}, "error", "ValueError: kaput 5", "c1"),),
                "error",
            )
        ),
    ),
    _agent(
        "agent_tool_handled_error",
        chat=_generated(
            _one_tool(
                "soft fail",
                "sorry",
                Observed("boom2", {"x": 5}, "error", "soft fail", "c1"),
            )
        ),
    ),
    _agent(
        "agent_tool_unknown",
        chat=_generated(
            _one_tool(
                "Error: nope is not a valid tool, try one of [add].",
                "sorry",
                Observed(
                    "nope",
                    {"a": "NaN", "b": 1},
                    "unknown_tool",
                    "Error: nope is not a valid tool, try one of [add].",
                    "c1",
                ),
            )
        ),
    ),
)

# -- two turns of one thread ----------------------------------------------------------------------

_THREADS = (
    _agent(
        "agent_turn1_parallel_tools",
        chat=Chat((Turn(_TURN_1, _TURN_1_OBSERVED),), "TH-1"),
    ),
    # attached at the second turn: the first is history that nobody here heard
    _agent("agent_turn2_same_thread", chat=Chat((_TURN_2,), "TH-1", prelude=_TURN_1)),
    _agent(
        "agent_turn1_parallel_tools",
        "agent_turn2_same_thread",
        chat=Chat((Turn(_TURN_1, _TURN_1_OBSERVED), _TURN_2), "TH-1"),
        same_as={
            "agent_turn2_same_thread r1": "second root",
            "agent_turn2_same_thread r2": "r3",
            "agent_turn2_same_thread r3": "r9",
            "agent_turn2_same_thread r4": "second model node",
            "agent_turn2_same_thread r5": "second model",
        },
    ),
)

# -- a human in the loop --------------------------------------------------------------------------

_MAIL_BOB = (user("mail bob"),)
_MAIL = call("send_mail", "c1", to="bob")
_ASKED = Turn(
    (*_MAIL_BOB, assistant("", _MAIL, call("add", "c2", a=1, b=1))),
    (
        Observed("send_mail", {"to": "bob"}, "interrupted", None, "c1", decision="awaited"),
        Observed("add", {"a": 1, "b": 1}, "interrupted", None, "c2"),
    ),
    "interrupted",
)
_EDITED = Turn(
    (tool("c1", _REVIEWED), tool("c2", "2"), assistant("Done")),
    (
        Observed("send_mail", {"to": "alice"}, "ok", "sent to alice", "c1", decision="edit"),
        Observed("add", {"a": 1, "b": 1}, "ok", "2", "c2"),
    ),
)
_EDITED_ALONE = replace(
    _EDITED,
    said=(_ASKED.said[1], *_EDITED.said),
    observed=(_EDITED.observed[0]._replace(decision=None), _EDITED.observed[1]),
)
_REFUSED = "User rejected the tool call for `send_mail` with reason: no!"
_REJECTED = Turn(
    (tool("c1", _REFUSED), assistant("ok not sent")),
    (Observed("send_mail", {"to": "bob"}, "not_run", _REFUSED, "c1"),),
)

_HUMANS = (
    _agent("agent_hitl_interrupt", chat=Chat((_ASKED,), "TH-9")),
    _agent("agent_hitl_interrupt", "agent_hitl_resume_edit", chat=Chat((_ASKED, _EDITED), "TH-9")),
    # resumed where nobody had listened before: the step that waited hands its question back
    _agent(
        "agent_hitl_resume_edit",
        chat=Chat((_EDITED_ALONE,), "TH-9", _MAIL_BOB),
    ),
    _agent(
        "agent_hitl_resume_reject",
        chat=Chat(
            (replace(_REJECTED, said=(assistant("", _MAIL), *_REJECTED.said)),), "TH-9", _MAIL_BOB
        ),
    ),
)

AGENTS = (*_TURNS, *_THREADS, *_HUMANS)
