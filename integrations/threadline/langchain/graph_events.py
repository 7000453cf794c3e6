"""Makes a handler hear of LangGraph's pauses, once langgraph is there; it is never imported here.

LangGraph tells `on_interrupt` only to handlers of its own class, which are looked up right after
the start of a graph's run.
"""

from __future__ import annotations

import sys
from typing import Any, Final

GRAPH_CALLBACKS: Final = "langgraph.callbacks"

_graph_classes: dict[Any, type] = {}


def hear_graphs(handler: Any) -> None:
    """Let `handler` be one of LangGraph's handlers too, where langgraph has such."""
    own: Any = handler.__class__
    if own.hears_graphs:
        return  # another thread was here in between
    hearing = _graph_classes.get(own)
    if hearing is None:
        base: Any = getattr(sys.modules.get(GRAPH_CALLBACKS), "GraphCallbackHandler", None)
        if base is None:
            return  # before langgraph 1.1.7
        fields = {"hears_graphs": True, "__module__": own.__module__, "__doc__": own.__doc__}
        hearing = _graph_classes[own] = type(own.__name__, (own, base), fields)
    handler.__class__ = hearing


def static_pause(event: object) -> str | None:
    """Return which breakpoint a graph stopped at: `interrupt_before` or `interrupt_after`.

    Any other interrupt shows as an exception of its node's run.
    """
    status = getattr(event, "status", None)
    return status if status in {"interrupt_before", "interrupt_after"} else None
