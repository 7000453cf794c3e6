"""Recorded values on a page: arguments and results in full, parts that are not words, pictures."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

from threadline.model import BlobPart, ReasoningPart
from threadline.render.page.markup import NOTHING, Markup, element
from threadline.render.printable import escaped_json
from threadline.render.values import bracketed, json_text

if TYPE_CHECKING:
    from threadline.model import Part

_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Formats that hold nothing but dots; SVG can hold anything and is only named."""
_LARGEST_PICTURE: Final = 5_000_000
_LARGEST_VALUE: Final = 200_000


def value_block(value: object) -> Markup:
    """Show a recorded value whole: words as they are, anything else as JSON over several lines."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return words_block(value)
    return words_block(_over_lines(json_text(value)))


def _over_lines(text: str) -> str:
    try:
        lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False).split("\n")
    except (RecursionError, ValueError):  # nested too deeply, or digits without end
        return text
    return "\n".join(map(escaped_json, lines))


def words_block(text: str) -> Markup:
    """Show a text in a fixed pitch, with its line breaks; a very long one not to its end."""
    if not text:
        return NOTHING
    left = len(text) - _LARGEST_VALUE
    beside = f"\n… {left:,} more characters" if left > 0 else ""
    return element("pre", text[:_LARGEST_VALUE] + beside, dir="auto", tabindex="0")


def folded(summary: str, *children: str, class_: str, is_open: bool = False) -> Markup:
    """Show children one click away."""
    head = element("summary", summary)
    return element("details", head, *children, class_=class_, open=is_open)


def part_block(part: Part) -> Markup:
    """Show a part that is not words: a picture as one, anything else by name; nothing for words."""
    if isinstance(part, BlobPart) and _is_picture(part):
        return _picture(part)
    if isinstance(part, ReasoningPart):
        thought = element("div", part.content, class_="plain", dir="auto")
        return folded("Thought", thought, class_="thought") if part.content else NOTHING
    described = bracketed(part)
    return element("p", described, class_="part") if described else NOTHING


def _is_picture(part: BlobPart) -> bool:
    return part.mime_type in _PICTURES and len(part.content) <= _LARGEST_PICTURE


def _picture(part: BlobPart) -> Markup:
    data = base64.b64encode(part.content).decode()
    described = bracketed(part).strip("[]")
    image = element("img", src=f"data:{part.mime_type};base64,{data}", alt=described)
    return element("figure", image, element("figcaption", described))
