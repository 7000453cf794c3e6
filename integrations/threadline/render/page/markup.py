"""The one place where recorded text becomes HTML: everything is escaped unless we wrote it.

Recorded text is untrusted. A `Markup` is HTML that this package wrote; any other text that is put
into an element is made printable and escaped, so that forgetting to do so is not possible.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from threadline.render.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "rect"})


class Markup(str):
    """HTML that is safe to write as it is."""

    __slots__ = ()


NOTHING: Final = Markup("")


def escaped(text: str) -> Markup:
    r"""Return recorded text as HTML: it can hold no element, and nothing that turns the reading.

    Example:
        >>> escaped('<b title="\u202e">') == '&lt;b title=&quot;\ufffd&quot;&gt;'
        True
    """
    return text if isinstance(text, Markup) else Markup(html.escape(printable(text)))


def joined(children: Iterable[str], separator: str = "") -> Markup:
    """Return all children as HTML, what is not `Markup` escaped, empty ones left out."""
    return Markup(escaped(separator).join(escaped(child) for child in children if child))


def element(name: str, /, *children: str, **attributes: str | bool | None) -> Markup:
    """Write an element. Attributes are escaped; None and False leave one out.

    Args:
        name: The element's name.
        *children: What it holds; all but `Markup` is escaped.
        **attributes: A trailing underscore is dropped, others become hyphens.

    Example:
        >>> element("p", "1 < 2", class_="fact")
        '<p class="fact">1 &lt; 2</p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def _attribute(key: str, value: str | bool | None) -> str:  # noqa: FBT001 (as HTML has it)
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(value)}"'
