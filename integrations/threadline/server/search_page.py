"""What a search found: the places where it was said, the newest first."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from threadline.render.page.chat import facts_line
from threadline.render.page.markup import Markup, element, joined
from threadline.render.printable import one_line
from threadline.render.when import ago
from threadline.server.addresses import SEARCH, address, conversation_address
from threadline.server.asked import Asked
from threadline.server.filter_form import filter_form
from threadline.server.frame import framed, next_link
from threadline.store.words import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from threadline.model import SearchHit
    from threadline.server.viewer import Viewer

_LIMIT: Final = 30
_WIDTH: Final = 320
_ID_WIDTH: Final = 120


def search_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw a page of what was found."""
    asked = Asked.of(query)
    words = query.get("q", "").strip()
    return framed(
        element("h1", f"Search: {words}" if words else "Search", dir="auto"),
        filter_form(asked, action=SEARCH, words=words),
        *(_found(viewer, asked, words) if words else [_HOW]),
        title=f"Search: {words}" if words else "Search",
        words=words,
    )


_HOW: Final = element(
    "p",
    "Type words into the box above. All of them must be in one turn; from three letters on the"
    " beginning of a word is enough.",
    class_="nothing",
)


def _found(viewer: Viewer, asked: Asked, words: str) -> Iterator[Markup]:
    reader = viewer.stores.reader()
    page = reader.search(words, limit=_LIMIT, cursor=asked.cursor, **asked.arguments)
    if not page:
        yield element("p", "Nobody said that.", class_="nothing")
        return
    query = Query.parse(words)
    yield element("ol", *(_row(hit, query, viewer) for hit in page), class_="rows hits", id="rows")
    if page.cursor:
        yield next_link("Older", address(SEARCH, q=words, **asked.filters, cursor=page.cursor))


def _row(hit: SearchHit, query: Query, viewer: Viewer) -> Markup:
    link = element(
        "a",
        element("bdi", joined(_marked(one_line(hit.snippet, width=_WIDTH), query))),
        href=conversation_address(hit.thread_id, turn_id=hit.turn_id),
        class_="what",
    )
    facts = facts_line(
        [
            hit.role or "",
            joined(["thread ", element("code", one_line(hit.thread_id, width=_ID_WIDTH))]),
            ago(hit.at_ns, now_ns=viewer.now_ns, zone=viewer.zone),
        ]
    )
    return element("li", link, facts)


def _marked(text: str, query: Query) -> Iterator[str]:
    """Yield a text with the words that were searched for marked in it."""
    done = 0
    whole = unicodedata.normalize("NFC", text)
    for start, stop in query.places_in(whole):
        yield whole[done:start]
        yield element("mark", whole[start:stop])
        done = stop
    yield whole[done:]
