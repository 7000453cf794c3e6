"""The filters above a list: a plain form, whose answer is an address that can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model import Status
from threadline.render.page.markup import Markup, element
from threadline.server.addresses import address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from threadline.server.asked import Asked

_RATINGS: Final = (("", "any"), ("up", "good"), ("down", "bad"))
_STATUSES: Final = (("", "any"), *((status.value, status.value) for status in Status))
_WHEN: Final = ("1h", "24h", "7d", "30d")
_TEXTS: Final = (("user", "User"), ("model", "Model"), ("tool", "Tool"), ("tag", "Tag"))
_TIMES: Final = (("since", "Since"), ("until", "Until"))


def filter_form(asked: Asked, *, action: str, words: str = "") -> Markup:
    """Draw the filters, open where some are set."""
    filters = asked.filters
    set_count = len(filters)
    summary = f"Filters ({set_count} set)" if set_count else "Filters"
    form = element(
        "form",
        element("input", type="hidden", name="q", value=words) if words else "",
        *(_text(name, label, filters.get(name, "")) for name, label in _TEXTS),
        _choice("status", "Status", _STATUSES, filters.get("status", "")),
        _choice("rating", "Rating", _ratings_to_choose(filters), filters.get("rating", "")),
        *(
            _text(name, label, filters.get(name, ""), hint="2h, 3d, 2026-11-21", listed="when")
            for name, label in _TIMES
        ),
        element("datalist", *(element("option", value=when) for when in _WHEN), id="when"),
        element(
            "p",
            element("button", "Apply"),
            " ",
            element("a", "Clear", href=address(action, q=words)) if set_count else "",
            class_="act",
        ),
        action=action,
        aria_label="Filters",
    )
    return element(
        "details", element("summary", summary), form, class_="filters", open=bool(set_count)
    )


def _ratings_to_choose(filters: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Return the thumbs, and the number that the address asks for."""
    asked = filters.get("rating", "")
    known = {value for value, _ in _RATINGS}
    return _RATINGS if asked in known else (*_RATINGS, (asked, asked))


def _text(
    name: str, label: str, value: str, *, hint: str = "", listed: str | None = None
) -> Markup:
    field = element(
        "input",
        id=f"f-{name}",
        name=name,
        value=value or None,
        placeholder=hint or None,
        list=listed,
        autocomplete="off",
    )
    return element("p", element("label", label, for_=f"f-{name}"), field)


def _choice(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> Markup:
    listed = [
        element("option", told, value=value, selected=value == chosen) for value, told in options
    ]
    field = element("select", *listed, id=f"f-{name}", name=name)
    return element("p", element("label", label, for_=f"f-{name}"), field)
