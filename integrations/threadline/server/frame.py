"""The frame of every page: the way around, the search box, and what a screen reader is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.server.addresses import CONVERSATIONS, DELIVERY, FIGURES, SEARCH

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCTYPE: Final = Markup("<!doctype html>\n")
_PLACES: Final = (
    ("Conversations", CONVERSATIONS),
    ("Figures", FIGURES),
    ("Delivery", DELIVERY),
)


def framed(
    *body: str,
    title: str,
    here: str = "",
    words: str = "",
    live: Mapping[str, str] | None = None,
) -> str:
    """Return a whole page.

    Args:
        *body: What it shows.
        title: Its title, without the product's name.
        here: The address of the place in the navigation that is open.
        words: What stands in the search box.
        live: What the script follows: attributes of the main part.
    """
    main = element("main", *body, id="main", tabindex="-1", **(live or {}))
    parts = [
        element("a", "Skip to the content", href="#main", class_="skip"),
        _top(here, words),
        main,
        element("div", role="status", class_="news", id="news"),
    ]
    return _document(element("div", *parts, class_="threadline page viewer"), title=title)


def refusal_page(told: str, *, again: str | None = None) -> str:
    """Return the page of who may not see any other."""
    way = [" ", element("a", "try again", href=again), "."] if again else []
    main = element(
        "main", element("h1", "Not here"), element("p", told, *way), id="main", class_="alone"
    )
    return _document(element("div", main, class_="threadline page viewer"), title="Not here")


def told_page(heading: str, told: str, *, here: str = "") -> str:
    """Return a page that says one thing: there is nothing, or something cannot be done."""
    return framed(element("h1", heading), element("p", told), title=heading, here=here)


def _document(body: Markup, *, title: str) -> str:
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Threadline"),
        element("link", rel="stylesheet", href="/static/page.css"),
        element("link", rel="stylesheet", href="/static/viewer.css"),
        element("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        element("script", src="/static/viewer.js", defer=True),
    ]
    page = element("html", element("head", *head), element("body", body), lang="en")
    return joined([_DOCTYPE, page, Markup("\n")])


def _top(here: str, words: str) -> Markup:
    links = [
        element("a", name, href=place, aria_current="page" if place == here else None)
        for name, place in _PLACES
    ]
    search = element(
        "form",
        element("label", "Search", for_="q", class_="unseen"),
        element(
            "input",
            type="search",
            id="q",
            name="q",
            value=words or None,
            placeholder="Search all that was said",
            autocomplete="off",
        ),
        element("button", "Search"),
        action=SEARCH,
        role="search",
    )
    name = element("a", "Threadline", href=CONVERSATIONS, class_="brand")
    nav = element("nav", *links, aria_label="Viewer")
    return element("header", name, nav, search, class_="top")


def next_link(label: str, href: str | None) -> Markup:
    """Draw the way to the next page, where there is one."""
    if href is None:
        return NOTHING
    return element("p", element("a", label, href=href, rel="next"), class_="onward")
