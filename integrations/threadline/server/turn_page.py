"""One turn with its trace: the waterfall, and for each model call what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.render.page.chat import turn_block
from threadline.render.page.difference import difference_block
from threadline.render.page.markup import element
from threadline.render.page.shape import key_of
from threadline.server.addresses import conversation_address
from threadline.server.frame import framed
from threadline.server.rate_form import rate_form
from threadline.server.viewer import NotThereError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.model import Turn
    from threadline.server.viewer import Viewer


def turn_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw a turn, or with another one what is different between the two.

    Raises:
        NotThereError: if there is no such turn.
    """
    turn = _turn(viewer, query.get("id", ""))
    if query.get("with"):
        other = _turn(viewer, query["with"])
        return framed(difference_block(other.diff(turn)), title="Difference")
    shape = viewer.shape(key=key_of(turn.id), opens_trace=True)
    back = element(
        "a",
        "Back to the conversation",
        href=conversation_address(turn.thread_id, turn_id=turn.id),
    )
    return framed(
        element("h1", f"Turn of {turn.thread_id}", class_="unseen"),
        element("p", back, class_="ways"),
        turn_block(turn, shape=shape),
        rate_form(turn, viewer=viewer),
        title=f"Turn of {turn.thread_id}",
        live={"data_live": "turn"},
    )


def _turn(viewer: Viewer, turn_id: str) -> Turn:
    turn = viewer.stores.reader().turn(turn_id)
    if turn is None:
        raise NotThereError(what="turn")
    return turn
