"""A conversation on a terminal, as a chat."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from threadline.cli.paint import tone_sign
from threadline.model.message import ASSISTANT
from threadline.render.cells import cells, wrapped
from threadline.render.chat import Shape, chat_view
from threadline.render.entries import Said, ToolUse
from threadline.render.values import UNFINISHED, counted
from threadline.render.when import duration, time_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.cli.paint import Piece
    from threadline.cli.session import Session
    from threadline.model import Conversation
    from threadline.render.entries import ChatView, Entry, Lookup, Note, TurnView
    from threadline.render.excerpt import Excerpt

_INDENT: Final = "  "
_DEEP: Final = "    "
_READABLE: Final = 100


def draw_chat(session: Session, conversation: Conversation, *, full: bool, prelude: bool) -> None:
    """Write a conversation the way it went: who said what and when."""
    view = chat_view(conversation, shape=Shape(full=full))
    draw_heading(session, view)
    _draw_prelude(session, view, is_shown=prelude)
    for turn in view.turns:
        session.line()
        draw_turn_rule(session, turn)
        if turn.number is None:
            session.line((f"{_INDENT}not part of the transcript; --trace shows it", "dim"))
        else:
            draw_asked_again(session, turn)
            draw_entries(session, turn.entries)
        draw_notes(session, turn.notes)
    if view.notes:
        session.line()
        session.line(("─" * _reading_width(session), "dim"))
    draw_notes(session, view.notes)


def draw_heading(session: Session, view: ChatView) -> None:
    """Write what a conversation is: its id, who, when, how much."""
    mark = "  id generated: the application gave none" if view.is_generated else ""
    session.line((view.thread_id, "strong"), (mark, "dim"))
    if view.title:
        session.line((view.title, "plain"))
    for fact in (" · ".join(view.facts), " · ".join(view.metadata)):
        for line in wrapped(fact, width=_reading_width(session)) if fact else ():
            session.line((line, "dim"))


def draw_turn_rule(session: Session, turn: TurnView, thread: str = "") -> None:
    """Write the line that a turn begins with; its id stands at the end, ready to be copied.

    Args:
        session: Where to write.
        turn: The turn.
        thread: What to call it instead of by its number, where turns of many threads follow.
    """
    name = thread or ("side call" if turn.number is None else f"turn {turn.number}")
    facts = " · ".join(filter(None, (name, turn.when, *turn.facts)))
    room = _reading_width(session) - cells(facts) - len("──  ")
    id_room = cells(turn.id) + len(" ─")
    is_beside = room > id_room
    line = "─" * (room - id_room + 1 if is_beside else max(0, room))
    ident = f" {turn.id}" if is_beside else ""
    session.line(("── ", "dim"), (facts, "dim"), (f" {line}{ident}".rstrip(), "dim"))
    if not is_beside:
        session.line((f"   {turn.id}", "dim"))


def draw_asked_again(session: Session, turn: TurnView) -> None:
    """Say it where a turn has no words of the user because those of a failed turn stand above."""
    if turn.is_asked_again:
        session.line()
        session.line((f"{_INDENT}(the same question, asked again)", "dim"))


def _draw_prelude(session: Session, view: ChatView, *, is_shown: bool) -> None:
    if not view.prelude:
        return
    session.line()
    number = counted(len(view.prelude), "earlier message")
    hint = "" if is_shown else "; --prelude shows them"
    session.line((f"{number} from before recording{hint}", "dim"))
    if is_shown:
        draw_entries(session, view.prelude)


def draw_entries(session: Session, entries: tuple[Entry, ...]) -> None:
    """Write what was said and done, each under who said it."""
    speaker, is_block_open = "", False
    for entry in entries:
        if not (is_block_open and isinstance(entry, ToolUse)):
            session.line()
        if isinstance(entry, Said):
            if entry.who != speaker:
                _draw_speaker(session, entry)
            _draw_words(session, entry)
            speaker, is_block_open = entry.who, entry.role == ASSISTANT
        elif isinstance(entry, ToolUse):
            _draw_tool_use(session, entry)
            is_block_open = True
        else:
            _draw_lookup(session, entry)
            speaker, is_block_open = "", False


def _draw_speaker(session: Session, said: Said) -> None:
    at = time_of_day(said.at_ns)
    session.line((said.who, said.role), (f"  {at}" if at else "", "dim"))


def _draw_words(session: Session, said: Said) -> None:
    if said.thought:
        _draw_wrapped(session, f"thought: {said.thought}", _INDENT, "dim")
    style = "dim" if said.role == "system" else "plain"
    if said.text.text:
        _draw_wrapped(session, said.text.text, _INDENT, style)
    _draw_left_out(session, said.text, _INDENT)
    for line in said.attachments:
        _draw_wrapped(session, line, _INDENT, "dim")
    if said.partial:
        session.line((f"{_INDENT}… ({UNFINISHED})", "warn"))
    for line in said.ratings:
        _draw_wrapped(session, f"★ {line}", _INDENT, "quiet")


def _draw_tool_use(session: Session, use: ToolUse) -> None:
    if use.thought:
        _draw_wrapped(session, f"thought: {use.thought}", _INDENT, "dim")
    facts = (
        "" if use.outcome == "ok" else use.outcome,
        duration(use.duration_ns),
        f"{use.attempt_count} attempts" if use.attempt_count > 1 else "",
    )
    _draw_signed(session, (tone_sign(use.tone), use.tone), (use.call, "tool"), facts)
    if use.result.text:
        _draw_wrapped(session, use.result.text, _DEEP, "bad" if use.tone == "bad" else "dim")
    _draw_left_out(session, use.result, _DEEP)


def _draw_lookup(session: Session, lookup: Lookup) -> None:
    asked = f"{lookup.name} “{lookup.query}”" if lookup.query else lookup.name
    facts = (counted(lookup.document_count, "document"), duration(lookup.duration_ns))
    _draw_signed(session, ("◇", "tool"), (asked, "tool"), facts)
    for line, text in itertools.zip_longest(lookup.documents, lookup.texts, fillvalue=""):
        _draw_wrapped(session, line, _DEEP, "tool" if text else "dim")
        if text:
            _draw_wrapped(session, text, _DEEP + _INDENT, "dim")
    left_out = lookup.document_count - len(lookup.documents)
    if left_out:
        session.line((f"{_DEEP}and {left_out} more; --full shows them", "dim"))
    if lookup.error:
        _draw_wrapped(session, lookup.error, _DEEP, "bad")


def draw_notes(session: Session, notes: tuple[Note, ...]) -> None:
    """Write what is to be known about a turn or a conversation, below it."""
    if notes:
        session.line()
    for note in notes:
        _draw_signed(session, (tone_sign(note.tone), note.tone), (note.text, note.tone))


def _draw_signed(session: Session, sign: Piece, text: Piece, facts: Sequence[str] = ()) -> None:
    tail = " · ".join(filter(None, facts))
    tail = f"  {tail}" if tail else ""
    room = max(20, _reading_width(session) - len(_DEEP) - cells(tail))
    lines = wrapped(text[0], width=room)
    for number, line in enumerate(lines):
        lead = (f"{_INDENT}{sign[0]} ", sign[1]) if number == 0 else (_DEEP, "plain")
        end = tail if number == len(lines) - 1 else ""
        session.line(lead, (line, text[1]), (end, "dim"))


def _draw_left_out(session: Session, text: Excerpt, indent: str) -> None:
    if text.left_out:
        number = counted(text.left_out, "more character")
        session.line((f"{indent}… {number}; --full shows them", "dim"))


def _draw_wrapped(session: Session, text: str, indent: str, style: str) -> None:
    for line in wrapped(text, width=_reading_width(session) - len(indent)):
        session.line((f"{indent}{line}".rstrip(), style))


def _reading_width(session: Session) -> int:
    """Return the columns that text is wrapped in: a very wide screen makes no very long lines."""
    return min(session.width, _READABLE)
