"""A stretch of a conversation: some of its turns, and what is to be known of all of it."""

from __future__ import annotations

import msgspec

from threadline.model.conversation import Conversation
from threadline.model.span import Usage


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Some turns of a conversation that is too long to be read at once.

    Attributes:
        conversation: What is known of the conversation; its `turns` are those of the stretch, its
            `prelude` is there where the stretch begins with the first turn. The spans of its turns
            tell neither what went into them nor what came out.
        first: How many turns stand before the stretch, side calls among them.
        number: How many do without side calls.
        length: How many turns the whole conversation has, side calls among them.
        turn_count: How many it has without them.
        message_count: How many messages it has.
        usage: What all its model calls took; None too where it is too long to add that up at once.
    """

    conversation: Conversation
    first: int
    number: int
    length: int
    turn_count: int
    message_count: int
    usage: Usage | None = None

    @property
    def behind(self) -> int:
        """Where the stretch behind this one begins; the length where there is none."""
        return self.first + len(self.conversation.turns)

    @property
    def has_more(self) -> bool:
        """Whether there are turns behind it."""
        return self.behind < self.length
