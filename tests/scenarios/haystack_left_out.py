"""Scenarios that Haystack's driver does not play, by shape, and why."""

from __future__ import annotations

from typing import Final

_GRAPH = "Haystack has no graph whose nodes share a list of messages"
_INTERRUPT = (
    "no run ends by asking a human: Haystack asks inside the run, see tests/haystack/test_runs.py"
)
_CHECKPOINT = "Haystack keeps no checkpoints of a conversation to go back to"
_ALONE = "Haystack traces pipelines and agents, not one component or tool that runs alone"

NO_MEANS: Final = {
    "agent resumed elsewhere": _INTERRUPT,
    "agent resumed under one id": _INTERRUPT,
    "agent reviewed by call": _INTERRUPT,
    "agent that asks the user": _INTERRUPT,
    "approved agent": _INTERRUPT,
    "draft under review": _INTERRUPT,
    "form": _INTERRUPT,
    "form in a subgraph": _INTERRUPT,
    "form in a told turn": _INTERRUPT,
    "form that is answered again": _INTERRUPT,
    "form that is left alone": _INTERRUPT,
    "graph that asks back": _INTERRUPT,
    "questions side by side": _INTERRUPT,
    "reviewed agent": _INTERRUPT,
    "stubborn form": _INTERRUPT,
    "workflow in functions": _INTERRUPT,
    "chat graph that answers again": _CHECKPOINT,
    "chat graph that begins anew": _CHECKPOINT,
    "chat graph that goes back": _CHECKPOINT,
    "chat graph that goes both ways": _CHECKPOINT,
    "chat graph that names its checkpoint": _CHECKPOINT,
    "chat graph with an edited question": _CHECKPOINT,
    "chat graph in chunks": _GRAPH,
    "chat graph that sends a message again": _GRAPH,
    "chat graph with a breakpoint": _GRAPH,
    "fan-out": _GRAPH,
    "functions": _GRAPH,
    "graph called by a node": _GRAPH,
    "graph in a graph": _GRAPH,
    "graph of commands": _GRAPH,
    "graph of fields": _GRAPH,
    "graph that forgets": _GRAPH,
    "graph that tries again": _GRAPH,
    "graph with a cache": _GRAPH,
    "graph with a window": _GRAPH,
    "hand-over": "no agent of Haystack's hands a conversation over to another",
    "swarm": "no agent of Haystack's hands a conversation over to another",
    "handler passed on": "nothing is passed to a call that would listen",
    "cached chain": "Haystack keeps no answers of models",
    "prompt alone": _ALONE,
    "tool alone": _ALONE,
    "retrying model": "no component of Haystack's calls a model again",
}
"""Shapes that Haystack has nothing for."""

UNHEARD: Final = {("model error in mid-answer", "stream")}
"""Haystack shows a tracer no chunks of a generator in a pipeline that runs synchronously."""
