"""What the connector component does: enable the tracer, say whose pipeline runs, tell the turn."""

from __future__ import annotations

import uuid
from typing import Any

from threadline.capture.guard import never_raises
from threadline.client import default_client
from threadline.client.scopes import checked_id
from threadline.haystack.attaching import attach, tell_if_unheard
from threadline.haystack.identity import announce
from threadline.haystack.tracer import current_run


def checked_default(argument: str, value: Any) -> str | None:
    """Return an id that a connector was made with.

    Raises:
        ArgumentError: if it is empty or not a text.
    """
    return None if value is None else checked_id(argument, value)


@never_raises
def connect(connector: object, thread_id: str | None, user_id: str | None) -> None:
    """Record from now on; the run that begins next in this context is the connector's."""
    attach()
    name = getattr(connector, "__component_name__", None)
    announce(str(name or ""), thread_id, user_id)


@never_raises
def store_all() -> None:
    """Store what the default client has recorded; no pipeline waits for a destination."""
    default_client().store_recorded()


@never_raises
def turn_id_now() -> str | None:
    """Return the id of the turn around the caller; None if nothing is recorded."""
    run = current_run()
    if run is None:
        tell_if_unheard()
        return None
    if run.root.recorder is None:
        return None
    root = run.root
    if root.scope is not None and root.scope.turn:
        return str(uuid.UUID(bytes=root.turn))
    return root.turn_id or str(uuid.UUID(bytes=root.turn))
