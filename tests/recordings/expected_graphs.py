"""What the recorded LangGraph graphs are to leave."""

from __future__ import annotations

from tests.recordings.streams import Sitting
from tests.scenarios.script import Chat, Turn, assistant, said, user

_NOTHING_SAID = Turn((), kind="trace")
_WAITS = Turn((user("hi"),), status="interrupted")


def _graph(*streams: str, turns: tuple[Turn, ...], thread: str | None = None) -> Sitting:
    return Sitting(streams, (Chat(turns, thread),))


GRAPHS = (
    _graph("graph_astream_messages_mode", turns=(Turn(said("hi", "stream me now ")),)),
    _graph(
        "graph_subgraph",
        turns=(Turn((user("hi"), assistant("sub reply"), assistant("main reply"))),),
        thread="G1",
    ),
    _graph("graph_subgraph_fn", turns=(Turn(said("hi", "sub2")),), thread="G2"),
    # control flow that arrives as errors
    _graph("graph_parent_command", turns=(Turn(said("hi", "handoff")),)),
    _graph("graph_sub_interrupt", turns=(_WAITS,), thread="G3"),
    _graph("graph_static_interrupt", turns=(_WAITS,), thread="G4"),
    # endings
    _graph("graph_ainvoke_cancelled", turns=(Turn((user("hi"),), status="cancelled"),)),
    _graph(
        "graph_astream_aclose",
        turns=(Turn((user("hi"), assistant("one ", partial=True)), status="stopped"),),
    ),
    # nobody said anything to anybody
    _graph("graph_functional", turns=(_NOTHING_SAID,), thread="F"),
    _graph("graph_send_retry", turns=(_NOTHING_SAID,)),
    _graph("graph_recursion_limit", turns=(Turn((), status="error", kind="trace"),)),
    # what a human answered, and what the graph made of it
    _graph(
        "graph_sub_interrupt",
        "graph_sub_resume",
        turns=(_WAITS, Turn((user("yes"), user("human said yes")))),
        thread="G3",
    ),
    _graph(
        "graph_static_interrupt", "graph_static_resume", turns=(_WAITS, _NOTHING_SAID), thread="G4"
    ),
    _graph("graph_static_resume", turns=(_NOTHING_SAID,), thread="G4"),
)
