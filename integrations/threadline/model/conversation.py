"""A conversation: what one thread id holds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import Message
from threadline.model.shown import Shown
from threadline.model.turn import ToolObservation, Turn

IdSource = Literal["application", "generated"]


class Conversation(
    Shown,
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="conversation",
):
    """What one thread id holds: turns, messages, metadata, feedback.

    Its key is (`tenant`, `thread_id`). `id_source` is `generated` where the application gave no
    thread id; such an id is never exported as the application's own.

    Where the application went back and on from there (an answer made again, a question edited),
    `turns` holds every branch; `superseded` are the ids of the messages that the newest one left
    behind, which `messages` and `tool_observations` leave out.
    """

    thread_id: str
    tenant: str | None = None
    id_source: IdSource = "application"
    user_id: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    created_ns: int = 0
    updated_ns: int = 0
    prelude: tuple[Message, ...] = ()
    turns: tuple[Turn, ...] = ()
    superseded: tuple[str, ...] = ()
    ratings: tuple[Rating, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything that was said on the newest branch, once, in order; side calls apart."""
        left = set(self.superseded)
        said = (m for turn in self.turns if turn.kind == "turn" for m in turn.messages)
        return tuple(message for message in said if message.id not in left)

    @property
    def tool_observations(self) -> tuple[ToolObservation, ...]:
        """Every tool execution of the newest branch, in order."""
        left = set(self.superseded)
        seen = (o for turn in self.turns if turn.kind == "turn" for o in turn.tool_observations)
        return tuple(one for one in seen if one.message_id not in left)

    @property
    def branch_count(self) -> int:
        """How many ways the conversation went; more than one where the application went back."""
        return 1 + sum(turn.branches_from is not None for turn in self.turns)

    def to_dict(self) -> dict[str, Any]:
        """Return the conversation in the Context.ai shape, with our own keys beside.

        Returns:
            A dict with `messages` (chat, tool and event entries with `event_timestamp` and
            `rating`), `metadata`, `feedback`, and our own keys; plain JSON values throughout.

        Example:
            >>> Conversation(thread_id="t-1").to_dict()["id"]
            't-1'
        """
        from threadline.model.contextai import conversation_to_dict  # a cycle

        return conversation_to_dict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Conversation:
        """Read what `to_dict` wrote, or a plain Context.ai conversation or thread.

        Raises:
            ArgumentError: if `data` has no list of messages, or one of them is not a message.

        Example:
            >>> data = {"id": "t-1", "messages": [{"role": "user", "message": "Hello"}]}
            >>> Conversation.from_dict(data).messages[0].text
            'Hello'
        """
        from threadline.model.contextai import conversation_from_dict  # a cycle

        return conversation_from_dict(data)
