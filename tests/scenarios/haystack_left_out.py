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

NOT_WRITTEN_YET: Final = {
    "agent that retries": "a tool that is tried again",
    "agent that rewrites": "hooks of an agent that rewrite its messages",
    "endless graph": "an agent's limit of steps",
    "examples before each question": "examples in a prompt builder",
    "held history in two at once": "a list that the caller holds",
    "held history that is answered again": "a list that the caller holds",
    "held history with an edited question": "a list that the caller holds",
    "held history without what failed": "a list that the caller holds",
    "job over many sessions": "a chat message store with many histories",
    "joined late": "a tracer that is enabled in the middle",
    "raw and parsed": "a validator behind the generator",
    "structured agent": "a schema that the agent's answer keeps to",
    "structured output": "a schema that a generator's answer keeps to",
    "summarising agent": "hooks of an agent that compact its history",
    "supervisor": "agents as tools; tests/haystack/test_runs.py has one",
    "tool loop": "a pipeline with a loop of its own",
}
"""Shapes that Haystack has the means for, with what they would be made of; issue 4 is open."""

UNHEARD: Final = {
    "model error in mid-answer",
    "asynchronous stream that is closed",
    "model stream that is closed",
}
"""Haystack shows a tracer no chunks of a generator in a pipeline: nothing of what is cut short."""
