"""What is different between two turns or model calls, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.render.page.markup import Markup, element, joined

if TYPE_CHECKING:
    from threadline.model.difference import Compared, Difference, Line

_SIGNS: Final = {"gone": ("del", "- "), "new": ("ins", "+ "), "skipped": ("span", "… ")}


def difference_block(difference: Difference) -> Markup:
    """Draw all that was compared; what is the same is said in a word."""
    return element(
        "article",
        element(
            "header",
            element("h1", "Difference" if difference else "No difference"),
            element("p", f"- {difference.first}", class_="facts"),
            element("p", f"+ {difference.second}", class_="facts"),
        ),
        *(_compared(one) for one in difference.compared),
        class_="conversation",
    )


def _compared(one: Compared) -> Markup:
    if one.is_same:
        return element("p", element("b", one.what), " the same", class_="label")
    lines = (_line(line) for line in one.lines)
    label = element("p", element("b", one.what), class_="label")
    return joined([label, element("div", *lines, class_="difference", dir="auto")])


def _line(line: Line) -> Markup:
    name, sign = _SIGNS.get(line.sign, ("span", "  "))
    return element(name, f"{sign}{line.text}\n")
