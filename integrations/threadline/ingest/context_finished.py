"""A finished conversation as one transcript of the Context API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from threadline.ingest.context_entries import entries_of, event_entry
from threadline.model.contextai_order import told_by_time

if TYPE_CHECKING:
    from threadline.ingest.context_entries import Fields
    from threadline.ingest.context_limits import ContextLimits
    from threadline.model.conversation import Conversation
    from threadline.model.turn import Turn


def finished(conversation: Conversation, limits: ContextLimits) -> Fields:
    """Return all that was said on the newest branch, with events where they happened."""
    turns = [_without(turn, set(conversation.superseded)) for turn in conversation.turns]
    said = [(entry.at_ns, entry.fields) for turn in turns for entry in entries_of(turn, limits)]
    events = {e.id: e for source in (conversation, *turns) for e in source.events}
    happened = sorted(events.values(), key=lambda event: event.at_ns)
    told = told_by_time(said, [(event.at_ns, event_entry(event, limits)) for event in happened])
    written = [f.text for source in (conversation, *turns) for f in source.feedback]
    metadata = limits.kept({"user_id": conversation.user_id, **conversation.metadata})
    return {
        "messages": [fields for _, fields in told],
        **({"metadata": metadata} if metadata else {}),
        **({"feedback": "\n".join(written)} if written else {}),
    }


def _without(turn: Turn, left: set[str]) -> Turn:
    return replace(
        turn,
        messages=tuple(m for m in turn.messages if m.id not in left),
        tool_observations=tuple(o for o in turn.tool_observations if o.message_id not in left),
    )
