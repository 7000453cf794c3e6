"""The ids that records have at Freeplay: uuid4-shaped, and the same in every try and process."""

from __future__ import annotations

import uuid

import msgspec

from threadline.ids import derived_uuid


class FreeplayIds(msgspec.Struct, frozen=True):
    """Derives ids from ours, for one project.

    Nothing but our own ids goes in, so that another process, or another host that only knows a
    turn's id, comes to the same.

    Example:
        >>> ids = FreeplayIds("p-1")
        >>> ids.turn("order-17"), uuid.UUID(ids.turn("order-17")).version
        ('0eeafa6e-0698-467f-8c9a-27f9eb947ab1', 4)
    """

    project_id: str

    def session(self, thread_id: str, tenant: str | None = None) -> str:
        """Return the session that is a conversation."""
        return self._id("session", tenant or "", thread_id)

    def turn(self, turn_id: str) -> str:
        """Return the trace that is a turn."""
        return self._id("turn", turn_id)

    def span(self, span_id: str) -> str:
        """Return the completion or the trace that is one of a turn's spans."""
        return self._id("span", span_id)

    def event(self, event_id: str) -> str:
        """Return the trace that is an event."""
        return self._id("event", event_id)

    def _id(self, *names: str) -> str:
        found = derived_uuid("freeplay", self.project_id, *names)
        return str(uuid.UUID(bytes=found.bytes, version=4))
