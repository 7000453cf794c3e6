"""The first page: the newest conversations, a line or two each."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from threadline.model import Status
from threadline.render.page.chat import facts_line
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.render.when import ago, day, iso_time
from threadline.server.addresses import CONVERSATIONS, address, conversation_address
from threadline.server.asked import Asked
from threadline.server.filter_form import filter_form
from threadline.server.frame import framed, next_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from threadline.model import ConversationSummary
    from threadline.server.viewer import Viewer

_LIMIT: Final = 50
_WIDTH: Final = 160


def list_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw a page of the list."""
    asked = Asked.of(query)
    reader = viewer.stores.reader()
    page = reader.conversations(limit=_LIMIT, cursor=asked.cursor, **asked.arguments)
    onward = address(CONVERSATIONS, **asked.filters, cursor=page.cursor) if page.cursor else None
    rows = [
        *_by_day(page, viewer),
        "" if page else element("p", _nothing(asked), class_="nothing"),
        next_link("Older conversations", onward),
    ]
    return framed(
        element("h1", "Conversations"),
        filter_form(asked, action=CONVERSATIONS),
        element("div", *rows, id="rows"),
        title="Conversations",
        here=CONVERSATIONS,
        live={"data_live": "list"} if asked.cursor is None else None,
    )


def _nothing(asked: Asked) -> str:
    if asked.filters:
        return "No such conversations."
    return "Nothing is recorded yet. What is recorded from now on shows up here by itself."


def _by_day(page: Iterable[ConversationSummary], viewer: Viewer) -> Iterable[Markup]:
    today = day(viewer.now_ns, zone=viewer.zone)
    grouped = itertools.groupby(page, key=lambda one: day(one.updated_ns, zone=viewer.zone))
    for told, conversations in grouped:
        yield element("h2", "Today" if told == today else told)
        yield element("ol", *(_row(one, viewer) for one in conversations), class_="rows")


def _row(summary: ConversationSummary, viewer: Viewer) -> Markup:
    what = one_line(summary.title or summary.preview, width=_WIDTH) or "(no words)"
    link = element(
        "a",
        element("bdi", what),
        href=conversation_address(summary.thread_id),
        class_="what",
    )
    when = ago(summary.updated_ns, now_ns=viewer.now_ns, zone=viewer.zone)
    facts = facts_line(
        [
            joined(["thread ", element("code", one_line(summary.thread_id, width=_WIDTH))])
            if summary.id_source == "application"
            else "no thread id given",
            f"user {one_line(summary.user_id, width=_WIDTH)}" if summary.user_id else "",
            counted(summary.turn_count, "turn"),
            counted(summary.message_count, "message"),
            *(f"#{one_line(tag, width=_WIDTH)}" for tag in summary.tags),
        ]
    )
    at = element("time", when, datetime=iso_time(summary.updated_ns))
    return element("li", link, _status(summary.last_status), at, facts)


def _status(status: Status | None) -> Markup:
    if status is None or status is Status.OK:
        return NOTHING
    return element("strong", status.value, class_=f"status {status.value}")
