"""How much of a conversation goes on a page, and how its parts are named there."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from threadline.render.page.markup import NOTHING, Markup, element
from threadline.render.when import day, iso_time, moment, time_of_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from threadline.model import Message, Turn


class Budget:
    """How many characters of what models saw are still written out again, where said above."""

    def __init__(self, characters: int) -> None:
        self.left = characters

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    def spend(self, characters: int) -> bool:
        """Take so many characters; False where they are not left any more."""
        self.left -= characters
        return self.left >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How a page is drawn.

    Attributes:
        zone: The time zone of its times; the machine's own by default.
        newest_turns: Of a long conversation only so many turns; None for all.
        replays: How much history is written out again at the model calls that were sent it.
        key: Keeps the anchors of two conversations on one page apart.
        anchors: Of messages that stand on the page, by id.
        left_out: The ids of messages whose turns are not on the page.
        below: Draws what stands below a turn, in the place of its timeline; such turns can be
            linked to.
        opens_trace: Whether the timeline is open from the beginning.
    """

    zone: dt.tzinfo | None = None
    newest_turns: int | None = None
    replays: Budget = field(default_factory=lambda: Budget(400_000))
    key: str = ""
    anchors: dict[str, str] = field(default_factory=dict[str, str])
    left_out: set[str] = field(default_factory=set[str])
    below: Callable[[Turn], Markup] | None = None
    opens_trace: bool = False

    def place(self, messages: Iterable[Message]) -> None:
        """Give each message that is written out an anchor; recorded ids are none themselves."""
        for message in messages:
            number = len(self.anchors) + 1
            self.anchors.setdefault(message.id, f"m{self.key}-{number}")

    def is_pointed_at(self, message: Message, *, is_above: bool) -> bool:
        """Tell whether a message that a model was sent is named only, not written out again.

        A model is sent the same history at every turn: this is asked once for each message of
        each call, and must cost next to nothing when the budget is spent.
        """
        if message.id in self.left_out:
            return True
        if not is_above:
            return False
        return self.replays.is_spent or not self.replays.spend(len(message.text) + 100)

    def time(self, at_ns: int | None, *, before_ns: int | None = None) -> Markup:
        """Write a time; with its day where `before_ns` was on another one."""
        if not at_ns:
            return NOTHING
        today = day(at_ns, zone=self.zone)
        is_same = before_ns is not None and day(before_ns, zone=self.zone) == today
        at = time_of_day(at_ns, zone=self.zone)
        return element("time", at if is_same else f"{today} {at}", datetime=iso_time(at_ns))

    def zone_name(self, at_ns: int) -> str:
        """Return the name of the time zone that times are told in."""
        at = moment(at_ns, zone=self.zone)
        return (at.tzname() or "") if at else ""


def key_of(ident: str) -> str:
    """Return a few letters that stand for a conversation or a turn in names of anchors."""
    return blake2b(ident.encode(errors="replace"), digest_size=4).hexdigest()


def turn_anchor(turn_id: str) -> str:
    """Return the name of the place where a turn stands on its conversation's page."""
    return f"t{key_of(turn_id)}"
