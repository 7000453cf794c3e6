"""A conversation and its turns on a page: a chat with all that was done for it folded in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.model import Conversation, Message, ReasoningPart, ToolCallPart, ToolObservation
from threadline.model.message import ASSISTANT, USER
from threadline.render.notes import Judgements, status_note
from threadline.render.order import asked_again, left_behind, reading_order
from threadline.render.page.looked_up import lookup_block
from threadline.render.page.markdown import from_markdown, plain_text
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.page.shape import turn_anchor
from threadline.render.page.timeline import timeline
from threadline.render.page.tools import asked_block, tool_block
from threadline.render.page.values import folded, part_block
from threadline.render.tokens import tokens_of
from threadline.render.values import UNFINISHED, counted, usage_text, value_text
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from threadline.model import Part, Turn, Usage
    from threadline.model.stretch import Stretch
    from threadline.render.entries import Note
    from threadline.render.order import Item
    from threadline.render.page.shape import Shape

_GENERATED: Final = "generated id"


def conversation_block(conversation: Conversation, *, shape: Shape) -> Markup:
    """Draw a conversation: its heading, what was said before, its turns, what was said of it."""
    judgements = Judgements.of(conversation)
    turns = conversation.turns
    shown = turns if shape.newest_turns is None else turns[-shape.newest_turns :]
    shape.place(message for turn in shown for message in turn.messages)
    hidden = turns[: len(turns) - len(shown)]
    shape.left_out.update(message.id for turn in hidden for message in turn.messages)
    return element(
        "article",
        _heading(conversation, shape, _Size.of(conversation)),
        _prelude(conversation, shape),
        _left_out(len(turns) - len(shown)),
        *_turns(conversation, shown, judgements, shape, number=_turns_in(hidden)),
        _notes(judgements.conversation_notes()),
        class_="conversation",
    )


def stretch_heading(stretch: Stretch, *, shape: Shape) -> Markup:
    """Draw the heading of a conversation of which only some turns were read."""
    size = _Size(stretch.turn_count, stretch.message_count, stretch.usage)
    return _heading(stretch.conversation, shape, size)


def stretch_block(stretch: Stretch, *, shape: Shape) -> Markup:
    """Draw the turns that were read; what was said before or of the whole stands at its ends."""
    conversation = stretch.conversation
    judgements = Judgements.of(conversation)
    shape.place(message for turn in conversation.turns for message in turn.messages)
    return joined(
        [
            _prelude(conversation, shape),
            *_turns(conversation, conversation.turns, judgements, shape, number=stretch.number),
            NOTHING if stretch.has_more else _notes(judgements.conversation_notes()),
        ]
    )


def turn_block(turn: Turn, *, shape: Shape) -> Markup:
    """Draw one turn by itself."""
    alone = Conversation(thread_id=turn.thread_id, turns=(turn,))
    shape.place(turn.messages)
    body = _turn(turn, Judgements.of(alone), shape, heading=f"Turn of {turn.thread_id}")
    return element("article", body, class_="conversation")


class _Size(NamedTuple):
    """How much a conversation holds."""

    turns: int
    messages: int
    usage: Usage | None

    @classmethod
    def of(cls, conversation: Conversation) -> _Size:
        return cls(
            _turns_in(conversation.turns), len(conversation.messages), tokens_of(conversation.turns)
        )


def _turns_in(turns: Iterable[Turn]) -> int:
    return sum(turn.kind == "turn" for turn in turns)


def _heading(conversation: Conversation, shape: Shape, size: _Size) -> Markup:
    is_generated = conversation.id_source == "generated"
    facts = [
        joined(["thread ", element("code", conversation.thread_id)]) if conversation.title else "",
        _GENERATED if is_generated else "",
        f"user {conversation.user_id}" if conversation.user_id else "",
        f"tenant {conversation.tenant}" if conversation.tenant else "",
        f"{counted(size.turns, 'turn')}, {counted(size.messages, 'message')}",
        usage_text(size.usage),
        shape.time(conversation.created_ns),
        *(f"#{tag}" for tag in conversation.tags),
    ]
    metadata = [
        joined([element("dt", key), element("dd", value_text(value), dir="auto")])
        for key, value in conversation.metadata.items()
    ]
    return element(
        "header",
        element("h1", conversation.title or conversation.thread_id, dir="auto"),
        facts_line(facts),
        element("dl", *metadata, class_="metadata") if metadata else NOTHING,
    )


def facts_line(facts: Iterable[str]) -> Markup:
    """Write short facts beside one another, each for itself whatever way it is written."""
    told = joined((element("bdi", fact) for fact in facts if fact), Markup(" · "))
    return element("p", told, class_="facts") if told else NOTHING


def _prelude(conversation: Conversation, shape: Shape) -> Markup:
    earlier = conversation.prelude
    if not earlier:
        return NOTHING
    said = [said_block(message, shape=shape) for message in earlier]
    summary = f"{counted(len(earlier), 'message')} from before recording began"
    return folded(summary, *said, class_="prelude")


def _left_out(count: int) -> Markup:
    if count <= 0:
        return NOTHING
    told = f"{counted(count, 'earlier turn')} left out here; to_html(path) writes them all"
    return element("p", told, class_="note quiet")


def _turns(
    conversation: Conversation,
    shown: tuple[Turn, ...],
    judgements: Judgements,
    shape: Shape,
    *,
    number: int,
) -> Iterator[Markup]:
    repeated = asked_again(conversation)
    before_ns: int | None = conversation.created_ns  # the heading tells its day
    left = left_behind(conversation)
    for turn in shown:
        number += turn.kind == "turn"
        heading = f"Turn {number}" if turn.kind == "turn" else turn.name or "Side call"
        again = turn.id in repeated
        body = _turn(turn, judgements, shape, heading=heading, again=again, before_ns=before_ns)
        if turn.kind != "turn":
            body = folded(f"Side call: {turn.name or turn.id}", body, class_="side")
        elif turn.id in left:
            body = folded(f"{heading}: left behind by a newer branch", body, class_="side")
        yield body
        before_ns = turn.started_ns


def _turn(
    turn: Turn,
    judgements: Judgements,
    shape: Shape,
    *,
    heading: str,
    again: bool = False,
    before_ns: int | None = None,
) -> Markup:
    usage = usage_text(tokens_of((turn,)))
    facts = [
        shape.time(turn.started_ns, before_ns=before_ns),
        turn.name or "",
        duration(turn.duration_ns),
        usage,
        f"user {turn.user_id}" if turn.user_id and heading.startswith("Turn of") else "",
        f"continues {turn.continues}" if turn.continues else "",
        "another branch" if turn.branches_from is not None else "",
        *(f"#{tag}" for tag in turn.tags),
    ]
    repeated = element("p", "(the same words as before)", class_="note quiet") if again else ""
    return element(
        "section",
        element("header", element("h2", heading), _status(turn), facts_line(facts)),
        repeated,
        *(_item(item, turn, judgements, shape) for item in reading_order(turn)),
        _notes((*status_note(turn), *judgements.turn_notes(turn))),
        timeline(turn, shape=shape) if shape.below is None else shape.below(turn),
        class_=f"turn {turn.status.value}",
        id=None if shape.below is None else turn_anchor(turn.id),
    )


def _status(turn: Turn) -> Markup:
    status = turn.status.value
    return NOTHING if status == "ok" else element("strong", status, class_=f"status {status}")


def _item(item: Item, turn: Turn, judgements: Judgements, shape: Shape) -> Markup:
    if isinstance(item, Message):
        return said_block(item, shape=shape, ratings=judgements.of_message(item))
    if isinstance(item, ToolObservation):
        return tool_block(item)
    if isinstance(item, ToolCallPart):
        return asked_block(item)
    return lookup_block(item, turn)


def said_block(message: Message, *, shape: Shape, ratings: tuple[str, ...] = ()) -> Markup:
    """Draw one message: who, when, the words, and what came beside them."""
    role = message.role if message.role in _SIDES else "other"
    words = from_markdown(message.text) if message.role == ASSISTANT else plain_text(message.text)
    thoughts = _blocks(part for part in message.parts if isinstance(part, ReasoningPart))
    others = _blocks(part for part in message.parts if not isinstance(part, ReasoningPart))
    if message.role == ASSISTANT and not (message.text or others or thoughts or ratings):
        return NOTHING  # it only asked for tools, and those stand below
    body = [
        *thoughts,
        words if message.text else "",
        *others,
        element("p", UNFINISHED, class_="note warn") if message.partial else "",
        *(element("p", line, class_="note rating") for line in ratings),
    ]
    who = element("strong", message.role)
    name = element("bdi", message.name) if message.name else ""
    head = joined([who, name, shape.time(message.at_ns, before_ns=message.at_ns)], Markup(" "))
    anchor = shape.anchors.get(message.id)
    if role == "system":
        return folded("system", *body, class_="said system")
    return element("div", element("p", head, class_="who"), *body, class_=f"said {role}", id=anchor)


def _blocks(parts: Iterable[Part]) -> list[Markup]:
    return [block for block in map(part_block, parts) if block]


def _notes(notes: Iterable[Note]) -> Markup:
    return joined(element("p", note.text, class_=f"note {note.tone}", dir="auto") for note in notes)


_SIDES: Final = frozenset({USER, ASSISTANT, "system", "tool"})
