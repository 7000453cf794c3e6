"""The same inputs side by side, as a table: it can be read without any style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.render.notes import status_note
from threadline.render.page.markdown import from_markdown
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.page.tools import tool_block
from threadline.render.printable import one_line
from threadline.render.tokens import tokens_of
from threadline.render.values import counted, rating_text, usage_text
from threadline.render.when import duration

if TYPE_CHECKING:
    from threadline.model import Turn
    from threadline.model.comparison import ComparedInput, Comparison

_WIDTH: Final = 300


def comparison_block(comparison: Comparison) -> Markup:
    """Draw a row an input and a column a side: the answer, what it took, what came of tools."""
    sides = [element("bdi", one_line(side, width=_WIDTH)) for side in comparison.sides]
    title = element("h1", f"By {comparison.by}: ", joined(sides, ", "))
    whole = sum(one.is_whole for one in comparison.inputs)
    facts = f"{counted(len(comparison.inputs), 'input')}, {whole:,} of them asked on every side"
    if comparison.is_cut:
        facts += "; older turns were left out"
    heads = [element("th", head, scope="col") for head in ("asked", *sides)]
    rows = [_row(one) for one in comparison.inputs]
    body = element(
        "table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="listing"
    )
    return element(
        "article",
        element("header", title, element("p", facts, class_="facts")),
        body if rows else element("p", "Nothing was asked on any side.", class_="note quiet"),
        class_="conversation",
    )


def _row(one: ComparedInput) -> Markup:
    asked = element("th", element("bdi", one_line(one.input, width=_WIDTH)), scope="row")
    return element("tr", asked, *(element("td", _answer(turn)) for turn in one.turns))


def _answer(turn: Turn | None) -> Markup:
    if turn is None:
        return element("p", "not asked", class_="note quiet")
    facts = (duration(turn.duration_ns), usage_text(tokens_of((turn,))))
    return joined(
        [
            *(element("p", note.text, class_=f"note {note.tone}") for note in status_note(turn)),
            from_markdown(turn.output) if turn.output else NOTHING,
            *(tool_block(seen) for seen in turn.tool_observations),
            *(element("p", rating_text(one), class_="note rating") for one in turn.ratings),
            element("p", " · ".join(fact for fact in facts if fact), class_="facts"),
        ]
    )
