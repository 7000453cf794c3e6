"""What waits for each destination, and how it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.render.delivery import destination_told
from threadline.render.page.markup import Markup, element
from threadline.render.printable import one_line
from threadline.render.when import ago
from threadline.server.addresses import DELIVERY
from threadline.server.frame import framed
from threadline.settings import resolve
from threadline.store.outbox import Backlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.server.viewer import Viewer
    from threadline.store.outbox import DestinationState

_HEADS = ("destination", "waiting", "oldest", "put aside", "delivered", "state")
_WIDTH = 200
_LISTED = 50


def delivery_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw the state of delivery."""
    del query
    outbox = viewer.stores.outbox()
    backlogs, states = outbox.backlogs(), outbox.states()
    named = {*backlogs, *states, *resolve({}).destination_names}
    rows = [
        _row(name, backlogs.get(name, Backlog()), states.get(name), viewer)
        for name in sorted(named)
    ]
    body = _table(_HEADS, rows) if rows else element("p", _NOWHERE, class_="nothing")
    aside = outbox.listed(None, limit=_LISTED, put_aside_only=True)
    refused = [
        _cells(one.destination, one.kind, one.id, one.thread_id or "", one.reason or "")
        for one in aside
    ]
    return framed(
        element("h1", "Delivery"),
        body,
        element("h2", "Put aside") if refused else "",
        _table(("destination", "what", "id", "thread", "why"), refused) if refused else "",
        title="Delivery",
        here=DELIVERY,
    )


_NOWHERE = "No destinations: nothing leaves this machine."


def _row(name: str, backlog: Backlog, state: DestinationState | None, viewer: Viewer) -> Markup:
    told, tone = destination_told(state, backlog, now_ns=viewer.now_ns)
    oldest = ago(backlog.oldest_ns, now_ns=viewer.now_ns, zone=viewer.zone)
    return element(
        "tr",
        element("th", element("bdi", one_line(name, width=_WIDTH)), scope="row"),
        element("td", f"{backlog.waiting:,}", class_="number"),
        element("td", oldest),
        element("td", f"{backlog.put_aside:,}", class_="number"),
        element("td", f"{state.delivered if state else 0:,}", class_="number"),
        element("td", one_line(told, width=_WIDTH), class_=tone),
    )


def _cells(*texts: str) -> Markup:
    return element("tr", *(element("td", one_line(text, width=_WIDTH)) for text in texts))


def _table(heads: tuple[str, ...], rows: list[Markup]) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    return element(
        "table", element("thead", head), element("tbody", *rows), class_="listing", tabindex="0"
    )
