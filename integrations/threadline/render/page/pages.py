"""The pages and fragments that there are: of a conversation, a turn, a span, a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model import Conversation, Page, Span, Turn
from threadline.model.comparison import Comparison
from threadline.model.difference import Difference
from threadline.render.page.chat import conversation_block, turn_block
from threadline.render.page.comparison import comparison_block
from threadline.render.page.difference import difference_block
from threadline.render.page.document import fragment, page
from threadline.render.page.listing import list_block
from threadline.render.page.markup import Markup, element
from threadline.render.page.shape import Budget, Shape, key_of
from threadline.render.page.timeline import span_block
from threadline.render.values import counted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

Drawn = Conversation | Turn | Span | Difference | Comparison | Page[object]

_TURNS_IN_A_NOTEBOOK: Final = 50
_REPLAYS_IN_A_NOTEBOOK: Final = 60_000
_REPLAYS_OF_MANY: Final = 400_000


def page_of(thing: Drawn, *, zone: dt.tzinfo | None = None) -> str:
    """Return a whole page: one file that needs no network, no script and no other file.

    Args:
        thing: A conversation, a turn, a span or a list.
        zone: The time zone of its times; the machine's own by default.
    """
    shape = Shape(zone=zone, key=key_of(_ident(thing)))
    body = _block(thing, shape)
    return page(body, _colophon(thing, shape), title=_title(thing))


def page_of_many(
    conversations: Iterable[Conversation], *, title: str, zone: dt.tzinfo | None = None
) -> str:
    """Return one whole page with several conversations one below another, each with its heading."""
    replays = Budget(_REPLAYS_OF_MANY)
    blocks: list[Markup] = []
    for one in conversations:
        shape = Shape(zone=zone, key=key_of(_ident(one)), replays=replays)
        blocks.append(conversation_block(one, shape=shape))
    count = element("p", counted(len(blocks), "conversation"), class_="facts")
    return page(count, *blocks, title=title)


def fragment_of(thing: Drawn, *, zone: dt.tzinfo | None = None) -> str:
    """Return what a notebook shows, of a long conversation only the newest turns."""
    shape = Shape(
        zone=zone,
        key=key_of(_ident(thing)),
        newest_turns=_TURNS_IN_A_NOTEBOOK,
        replays=Budget(_REPLAYS_IN_A_NOTEBOOK),
    )
    return fragment(_block(thing, shape))


def _block(thing: Drawn, shape: Shape) -> Markup:
    if isinstance(thing, Conversation):
        return conversation_block(thing, shape=shape)
    if isinstance(thing, Turn):
        return turn_block(thing, shape=shape)
    if isinstance(thing, Span):
        return span_block(thing, shape=shape)
    if isinstance(thing, Difference):
        return difference_block(thing)
    if isinstance(thing, Comparison):
        return comparison_block(thing)
    return list_block(thing, shape=shape, more=thing.cursor is not None)


def _colophon(thing: Drawn, shape: Shape) -> Markup:
    at_ns = _time_of(thing)
    zone = shape.zone_name(at_ns) if at_ns else ""
    times = f" Times are in {zone}." if zone else ""
    return element("footer", f"Recorded by Threadline.{times}", class_="colophon")


def _time_of(thing: Drawn) -> int:
    if isinstance(thing, Conversation):
        return thing.created_ns
    return 0 if isinstance(thing, Page | Difference | Comparison) else thing.started_ns


def _ident(thing: Drawn) -> str:
    if isinstance(thing, Conversation):
        return thing.thread_id
    return "" if isinstance(thing, Page | Difference | Comparison) else thing.id


def _title(thing: Drawn) -> str:
    if isinstance(thing, Conversation):
        return thing.title or thing.thread_id
    if isinstance(thing, Turn):
        return f"Turn of {thing.thread_id}"
    if isinstance(thing, Difference | Comparison):
        return type(thing).__name__
    return thing.name if isinstance(thing, Span) else "Threadline"
