"""A conversation as it reads: who said what and when, with what was done for it folded in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from threadline.model import Status, ToolCallPart, ToolObservation
from threadline.model.message import USER, Message
from threadline.render.entries import ChatView, Entry, Lookup, Said, ToolUse, TurnView
from threadline.render.excerpt import (
    RESULT_CHARACTERS,
    RESULT_LINES,
    TEXT_CHARACTERS,
    TEXT_LINES,
    Excerpt,
    excerpt,
)
from threadline.render.notes import Judgements, failure_text, status_note
from threadline.render.order import asked_again, left_behind, reading_order
from threadline.render.printable import one_line, printable
from threadline.render.values import bracketed, call_text, counted, value_text
from threadline.render.when import day, duration, time_of_day

if TYPE_CHECKING:
    import datetime as dt

    from threadline.model import Conversation, Document, Retrieval, Turn
    from threadline.render.entries import Tone

LINE_WIDTH: Final = 400
DOCUMENT_COUNT: Final = 5
WHOLE: Final = 10**9
_ID_WIDTH: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How much of a conversation is shown, and in which time zone (None: the machine's own)."""

    full: bool = False
    zone: dt.tzinfo | None = None

    @property
    def width(self) -> int:
        """How many columns of a long line are shown."""
        return WHOLE if self.full else LINE_WIDTH

    def text(self, text: str) -> Excerpt:
        """Return as much of somebody's words as is shown."""
        if self.full:
            return excerpt(text, characters=None)
        return excerpt(text, characters=TEXT_CHARACTERS, lines=TEXT_LINES)

    def result(self, text: str) -> Excerpt:
        """Return as much of a tool's result as is shown."""
        if self.full:
            return excerpt(text, characters=None)
        return excerpt(text, characters=RESULT_CHARACTERS, lines=RESULT_LINES)


def chat_view(conversation: Conversation, *, shape: Shape) -> ChatView:
    """Lay a conversation out for reading."""
    judgements = Judgements.of(conversation)
    return ChatView(
        thread_id=one_line(conversation.thread_id, width=_ID_WIDTH),
        is_generated=conversation.id_source == "generated",
        title=one_line(conversation.title or "", width=LINE_WIDTH),
        facts=_conversation_facts(conversation, shape),
        metadata=_metadata_lines(conversation.metadata),
        prelude=tuple(_said(message, shape, ()) for message in conversation.prelude),
        turns=_turn_views(conversation, judgements, shape),
        notes=judgements.conversation_notes(),
    )


def _turn_views(
    conversation: Conversation, judgements: Judgements, shape: Shape
) -> tuple[TurnView, ...]:
    views: list[TurnView] = []
    number, today = 0, _first_day(conversation, shape.zone)
    repeated, left = asked_again(conversation), left_behind(conversation)
    for turn in conversation.turns:
        number += turn.kind == "turn"
        yesterday, today = today, day(turn.started_ns, zone=shape.zone)
        at = time_of_day(turn.started_ns, zone=shape.zone)
        views.append(
            TurnView(
                id=one_line(turn.id, width=_ID_WIDTH),
                number=number if turn.kind == "turn" else None,
                status=turn.status,
                facts=_turn_facts(turn, conversation, is_left=turn.id in left),
                when=at if today == yesterday else f"{today} {at}",
                entries=tuple(_entries(turn, judgements, shape)),
                is_asked_again=turn.id in repeated,
                notes=(*status_note(turn), *judgements.turn_notes(turn)),
            )
        )
    return tuple(views)


def _first_day(conversation: Conversation, zone: dt.tzinfo | None) -> str:
    """Return the day that the heading tells by itself; nothing if it tells several."""
    first = day(conversation.created_ns, zone=zone)
    return first if first == day(conversation.updated_ns, zone=zone) else ""


def _entries(turn: Turn, judgements: Judgements, shape: Shape) -> list[Entry]:
    entries: list[Entry] = []
    for item in reading_order(turn):
        if isinstance(item, Message):
            entries.append(_said(item, shape, judgements.of_message(item)))
        elif isinstance(item, ToolObservation):
            entries.append(_tool_use(item, shape, has_asker=bool(entries)))
        elif isinstance(item, ToolCallPart):
            call = call_text(item.name, item.arguments)
            call = one_line(call, width=shape.width)
            entries.append(ToolUse(call=call, outcome="asked", tone="quiet"))
        else:
            entries.append(_lookup(item, turn, shape))
    return entries


def _said(message: Message, shape: Shape, ratings: tuple[str, ...]) -> Said:
    name = one_line(message.name or "", width=60)
    attachments = [bracketed(part) for part in message.parts]
    return Said(
        role=message.role if message.role in _ROLES else "other",
        who=" · ".join(filter(None, (one_line(message.role, width=60), name))),
        text=shape.text(message.text),
        at_ns=message.at_ns,
        thought=one_line(message.reasoning, width=shape.width),
        attachments=tuple(one_line(line, width=shape.width) for line in attachments if line),
        partial=message.partial,
        ratings=ratings,
    )


def _tool_use(observation: ToolObservation, shape: Shape, *, has_asker: bool) -> ToolUse:
    call = call_text(observation.name, observation.arguments)
    result = value_text(observation.result)
    if observation.error is not None:
        result = failure_text(observation.error)
    thought = "" if has_asker and observation.call_id else observation.thought or ""
    return ToolUse(
        call=one_line(call, width=shape.width),
        outcome=observation.outcome.replace("_", " "),
        tone=outcome_tone(observation.outcome),
        result=shape.result(result),
        thought=one_line(thought, width=shape.width),
        duration_ns=observation.duration_ns,
        attempt_count=len(observation.span_ids),
    )


def _lookup(retrieval: Retrieval, turn: Turn, shape: Shape) -> Lookup:
    span = next(span for span in turn.spans if span.id == retrieval.span_id)
    shown = retrieval.documents if shape.full else retrieval.documents[:DOCUMENT_COUNT]
    return Lookup(
        name=one_line(retrieval.name, width=60),
        query=one_line(retrieval.query, width=shape.width),
        document_count=len(retrieval.documents),
        documents=tuple(document_line(document, is_whole=shape.full) for document in shown),
        texts=tuple(printable(document.text) for document in shown) if shape.full else (),
        duration_ns=span.duration_ns,
        error=one_line(failure_text(span.error), width=LINE_WIDTH) if span.error else "",
    )


def document_line(document: Document, *, is_whole: bool) -> str:
    """Tell in one line which document was found: its score, title, id, and else its first words.

    Args:
        document: The document.
        is_whole: Whether all its words are shown below, so that an id is enough.
    """
    titles = (document.metadata.get(key) for key in ("title", "name", "source", "file_path"))
    title = next((value for value in titles if isinstance(value, str) and value), "")
    score = "" if document.score is None else f"{document.score:.2f}"
    named = list(dict.fromkeys(filter(None, (title, document.id))))
    if not title and not (is_whole and named):
        named.append(f"“{one_line(document.text, width=60)}”")
    return one_line("  ".join(filter(None, (score, " · ".join(named)))), width=LINE_WIDTH)


def _conversation_facts(conversation: Conversation, shape: Shape) -> tuple[str, ...]:
    count = sum(turn.kind == "turn" for turn in conversation.turns)
    facts = [
        f"user {conversation.user_id}" if conversation.user_id else "",
        f"tenant {conversation.tenant}" if conversation.tenant else "",
        f"{counted(count, 'turn')}, {counted(len(conversation.messages), 'message')}",
        _period(conversation.created_ns, conversation.updated_ns, shape.zone),
        *(f"#{tag}" for tag in conversation.tags),
    ]
    return tuple(one_line(fact, width=LINE_WIDTH) for fact in facts if fact)


def _period(start_ns: int, end_ns: int, zone: dt.tzinfo | None) -> str:
    days = [day(start_ns, zone=zone), day(end_ns, zone=zone)]
    if days[0] == days[1] or not all(days):
        return f"{days[0] or days[1]} {time_of_day(start_ns or end_ns, zone=zone)[:5]}".strip()
    return f"{days[0]} to {days[1]}"


def _metadata_lines(metadata: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        one_line(f"{key}: {value_text(value)}", width=LINE_WIDTH) for key, value in metadata.items()
    )


def _turn_facts(turn: Turn, conversation: Conversation, *, is_left: bool) -> tuple[str, ...]:
    stranger = turn.user_id is not None and turn.user_id != conversation.user_id
    facts = [
        turn.name or "",
        f"user {turn.user_id}" if stranger else "",
        _length_told(turn),
        *(f"#{tag}" for tag in turn.tags),
        f"continues {turn.continues}" if turn.continues else "",
        "another branch" if turn.branches_from is not None else "",
        "left behind by a newer branch" if is_left else "",
    ]
    return tuple(one_line(fact, width=100) for fact in facts if fact)


def _length_told(turn: Turn) -> str:
    """Say how long a turn took; an abandoned one may have been seen at its beginning only."""
    is_unknown = turn.status is Status.ABANDONED and not turn.duration_ns
    return "" if is_unknown else duration(turn.duration_ns)


def outcome_tone(outcome: str) -> Tone:
    """Return the tone in which the outcome of a tool observation is told."""
    return _OUTCOME_TONES.get(outcome, "warn")


_ROLES: Final = frozenset({USER, "assistant", "system", "tool"})
_OUTCOME_TONES: Final[dict[str, Tone]] = {
    "ok": "good",
    "error": "bad",
    "unknown_tool": "bad",
    "running": "quiet",
    "not_run": "quiet",
}
