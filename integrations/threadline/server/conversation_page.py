"""One conversation, read as far as somebody scrolls; its turns can be rated where they stand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from threadline.render.page.chat import stretch_block, stretch_heading
from threadline.render.page.markup import NOTHING, Markup, element
from threadline.render.page.shape import key_of, turn_anchor
from threadline.render.values import counted
from threadline.server.addresses import CONVERSATION, TURN, address
from threadline.server.asked import whole_number
from threadline.server.frame import framed, next_link
from threadline.server.rate_form import rate_form
from threadline.server.viewer import NotThereError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.model import Turn
    from threadline.model.stretch import Stretch
    from threadline.server.viewer import Viewer

_LIMIT: Final = 20
_MOST: Final = 200


def conversation_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw some turns of a conversation.

    Raises:
        NotThereError: if there is no such conversation.
    """
    thread_id = query.get("id", "")
    limit = min(max(1, whole_number(query.get("limit"), otherwise=_LIMIT)), _MOST)
    stretch = viewer.stores.reader().stretch(
        thread_id,
        first=whole_number(query.get("first"), otherwise=0),
        turn_id=query.get("turn") or None,
        limit=limit,
    )
    if stretch is None:
        raise NotThereError(what="conversation")
    conversation = stretch.conversation
    shape = viewer.shape(
        key=key_of(f"{thread_id}{stretch.first}"), below=partial(_below, viewer=viewer)
    )
    body = element(
        "article",
        stretch_heading(stretch, shape=shape),
        _ways(stretch, thread_id),
        _earlier(stretch, thread_id, limit),
        element("div", stretch_block(stretch, shape=shape), id="turns"),
        _later(stretch, thread_id, limit),
        class_="conversation",
    )
    return framed(
        body,
        title=conversation.title or conversation.thread_id,
        live={"data_live": "conversation", "data_thread": conversation.thread_id},
    )


def _ways(stretch: Stretch, thread_id: str) -> Markup:
    """Draw the ways to both ends of a conversation that is not there whole."""
    if not stretch.first and not stretch.has_more:
        return NOTHING
    last = stretch.first + len(stretch.conversation.turns)
    told = f"Turns {stretch.first + 1:,} to {last:,} of {stretch.length:,}."
    links = [
        element("a", "First turn", href=address(CONVERSATION, id=thread_id)),
        element("a", "Newest turns", href=address(CONVERSATION, id=thread_id, first=-_LIMIT)),
    ]
    return element("nav", element("span", told), *links, class_="ways", aria_label="Turns")


def _earlier(stretch: Stretch, thread_id: str, limit: int) -> Markup:
    if not stretch.first:
        return NOTHING
    first = max(0, stretch.first - limit)
    href = address(CONVERSATION, id=thread_id, first=first, limit=stretch.first - first)
    told = f"Earlier turns ({stretch.first:,})"
    return element("p", element("a", told, href=href, rel="prev"), class_="onward")


def _later(stretch: Stretch, thread_id: str, limit: int) -> Markup:
    if not stretch.has_more:
        return NOTHING
    left = stretch.length - stretch.behind
    kept = None if limit == _LIMIT else limit
    href = address(CONVERSATION, id=thread_id, first=stretch.behind, limit=kept)
    return next_link(f"Later turns ({left:,})", href)


def _below(turn: Turn, *, viewer: Viewer) -> Markup:
    """Draw what stands below a turn: its trace, fetched when it is opened, and the thumbs."""
    return element("footer", _trace(turn), rate_form(turn, viewer=viewer), class_="below")


def _trace(turn: Turn) -> Markup:
    if not turn.spans:
        return NOTHING
    told = f"How it came about: {counted(len(turn.spans), 'span')}"
    if turn.llm_calls:
        told += f", {counted(len(turn.llm_calls), 'model call')}"
    href = address(TURN, id=turn.id)
    return element(
        "details",
        element("summary", told),
        element("p", element("a", "Open the trace of this turn", href=href)),
        class_="trace",
        data_from=href,
        data_turn=turn_anchor(turn.id),
    )
