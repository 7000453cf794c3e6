"""Where the messages of a conversation from elsewhere go in a store.

A message's id follows from its turn's id and its place behind the turn's first position. So that
ids stay what they were, each turn's messages keep their places relative to each other; what lies
between and was not told leaves a gap. Messages that belong to no turn are named by their position
itself, and keep it where it is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from threadline.model import Conversation, Message, Turn

_FAR: Final = 1 << 20
_UNDER_WAY: Final = 2**63


class Placed(NamedTuple):
    """A message at its position; `turn` is the id of the turn that it came with, if any."""

    position: int
    message: Message
    turn: str | None


class Layout:
    """The messages of one conversation, each at its position.

    Args:
        conversation: The conversation as it was told.
        wanted: The ids of those of its turns that are to be stored.
        held: Tells where a message of this id is in the store already.
        find: Tells where a message is said already that belongs to no turn of these.
        start: The first position that is free.
    """

    def __init__(
        self,
        conversation: Conversation,
        wanted: Sequence[Turn],
        *,
        held: Callable[[str], int | None],
        find: Callable[[Message], int | None],
        start: int,
    ) -> None:
        self.first: dict[str, int] = {}
        self.placed: list[Placed] = []
        self.settled = sorted(wanted, key=_ended)
        self._at: dict[str, int] = {}
        self._taken: set[int] = set()
        self._end = start
        own = {turn.id: _offsets(turn) for turn in wanted}
        owned = {message.id for offsets in own.values() for message in offsets.values()}
        loose = self._loose(conversation, owned, held, find)
        kept = {at: m for m in loose if (at := _own_position(m, conversation, start)) is not None}
        for turn in self.settled:
            self._place_turn(turn, own[turn.id], kept.keys())
        for position, message in kept.items():
            self._put(position, message, None)
        at_their_place = {message.id for message in kept.values()}
        for message in loose:
            if message.id not in at_their_place:
                self._put(self._end, message, None)
        self.placed.sort()

    @property
    def end(self) -> int:
        """The first position that is free behind all of these."""
        return self._end

    def at(self, message_id: str | None) -> int | None:
        """Return where the message is that was told under this id."""
        return None if message_id is None else self._at.get(message_id)

    def _loose(
        self,
        conversation: Conversation,
        owned: set[str],
        held: Callable[[str], int | None],
        find: Callable[[Message], int | None],
    ) -> list[Message]:
        """Return the messages that come with no turn to be stored and that are nowhere yet."""
        loose: dict[str, Message] = {}
        for message in _told(conversation, self.settled):
            if message.id in owned or message.id in loose or message.id in self._at:
                continue
            position = held(message.id)
            position = find(message) if position is None else position
            if position is None:
                loose[message.id] = message
            else:
                self._at[message.id] = position
        return list(loose.values())

    def _place_turn(self, turn: Turn, offsets: dict[int, Message], kept: Iterable[int]) -> None:
        """Put a turn's messages behind the others, where they meet none that keeps its place."""
        first, closed = self._end, set(kept)
        while any(first + offset in closed for offset in offsets):
            first += 1
        self.first[turn.id] = first
        for offset, message in offsets.items():
            self._put(first + offset, message, turn.id)

    def _put(self, position: int, message: Message, turn: str | None) -> None:
        self.placed.append(Placed(position, message, turn))
        self._at[message.id] = position
        self._end = max(self._end, position + 1)


def messages_of(turn: Turn) -> Iterator[Message]:
    """Yield every message that a turn tells of: what was said, then what models saw and said."""
    yield from turn.messages
    for span in turn.spans:
        yield from span.input_messages
        yield from span.output_messages


def _told(conversation: Conversation, turns: Sequence[Turn]) -> Iterator[Message]:
    yield from conversation.prelude
    for turn in turns:
        yield from messages_of(turn)


def _offsets(turn: Turn) -> dict[int, Message]:
    """Return a turn's own messages by their place in it; counted anew where ids do not tell."""
    own: dict[str, Message] = {message.id: message for message in turn.messages}
    for message in messages_of(turn):
        if message.turn_id == turn.id:
            own.setdefault(message.id, message)
    named = {ident: _number(ident, f"{turn.id}:") for ident in own}
    places = [place for place in named.values() if place is not None]
    if len(places) == len(own):
        return {place: own[ident] for ident, place in named.items() if place is not None}
    return dict(enumerate(own.values()))


def _own_position(message: Message, conversation: Conversation, start: int) -> int | None:
    position = _number(message.id, f"{conversation.thread_id}:p")
    return position if position is not None and position >= start else None


def _number(text: str, before: str) -> int | None:
    """Return the number behind `before`, if that is all there is and as it is written here."""
    digits = text.removeprefix(before) if text.startswith(before) else ""
    is_number = digits.isascii() and digits.isdigit() and str(int(digits)) == digits
    return int(digits) if is_number and int(digits) < _FAR else None


def _ended(turn: Turn) -> tuple[int, int]:
    return (_UNDER_WAY if turn.ended_ns is None else turn.ended_ns), turn.started_ns
