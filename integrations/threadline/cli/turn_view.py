"""Turns on a terminal one after another, whatever conversations they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.cli.chat_view import draw_entries, draw_notes, draw_turn_rule
from threadline.cli.session import quoted
from threadline.model import Conversation
from threadline.render.chat import Shape, chat_view
from threadline.render.entries import Note, Said

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.model import Turn
    from threadline.render.entries import TurnView

_REMEMBERED: Final = 1_000


class TurnDrawer:
    """Writes turns; of one that was written before only what is new.

    Args:
        session: Where to write.
        full: Whether to write long texts whole.
    """

    def __init__(self, session: Session, *, full: bool) -> None:
        self._session = session
        self._shape = Shape(full=full)
        self._written: dict[str, tuple[object, set[Note]]] = {}

    def draw(self, turn: Turn) -> None:
        """Write a turn under a line that names its thread; its newest notes if it was said."""
        view = self._view(turn)
        said = (turn.status, tuple(message.id for message in turn.messages))
        before, old = self._written.pop(turn.id, (None, set[Note]()))
        notes = [*_ratings_inside(view), *view.notes] if before == said else [*view.notes]
        news = tuple(note for note in notes if before != said or note not in old)
        self._remember(turn.id, said, {*_ratings_inside(view), *view.notes})
        if before == said and not news:
            return
        self._session.line()
        draw_turn_rule(self._session, view, quoted(turn.thread_id))
        if before != said:
            draw_entries(self._session, view.entries)
        draw_notes(self._session, news)

    def _view(self, turn: Turn) -> TurnView:
        alone = Conversation(
            thread_id=turn.thread_id,
            created_ns=turn.started_ns,
            updated_ns=turn.ended_ns or turn.started_ns,
            turns=(turn,),
        )
        return chat_view(alone, shape=self._shape).turns[0]

    def _remember(self, turn_id: str, said: object, notes: set[Note]) -> None:
        self._written[turn_id] = said, notes
        while len(self._written) > _REMEMBERED:
            self._written.pop(next(iter(self._written)))


def _ratings_inside(view: TurnView) -> list[Note]:
    """Return the ratings of messages, which stand below the words themselves."""
    said = (entry for entry in view.entries if isinstance(entry, Said))
    return [Note(text=f"★ {line}") for entry in said for line in entry.ratings]
