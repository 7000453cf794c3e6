"""The thumbs below a turn, and a comment: the one thing that the viewer writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.render.page.markup import Markup, element
from threadline.render.page.shape import turn_anchor
from threadline.server.access import FORM_KEY
from threadline.server.addresses import RATE

if TYPE_CHECKING:
    from threadline.model import Turn
    from threadline.server.viewer import Viewer

LONGEST_COMMENT: Final = 4_000


def rate_form(turn: Turn, *, viewer: Viewer) -> Markup:
    """Draw the form of one turn."""
    about = turn_anchor(turn.id)
    hidden = {"thread": turn.thread_id, "turn": turn.id, FORM_KEY: viewer.access.form_key}
    comment = element(
        "input",
        id=f"c-{about}",
        name="comment",
        placeholder="Comment",
        maxlength=str(LONGEST_COMMENT),
        autocomplete="off",
    )
    return element(
        "form",
        *(element("input", type="hidden", name=name, value=told) for name, told in hidden.items()),
        element(
            "fieldset",
            element("legend", "Rate this turn", class_="unseen"),
            _thumb("1", "Good"),
            _thumb("-1", "Bad"),
            element("label", "Comment on this turn", for_=f"c-{about}", class_="unseen"),
            comment,
            _thumb("", "Comment only"),
        ),
        method="post",
        action=RATE,
        class_="rate",
    )


def _thumb(value: str, told: str) -> Markup:
    return element("button", told, name="value", value=value)
