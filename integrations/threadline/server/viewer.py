"""What all pages share: the store, who may ask, and how things are told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from threadline.render.page.shape import Shape

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from threadline.model import Turn
    from threadline.render.page.markup import Markup
    from threadline.server.access import Access
    from threadline.server.prices import Prices
    from threadline.server.stores import Stores


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """One viewer.

    Attributes:
        stores: What is looked at.
        access: Who may look.
        zone: The time zone that times are told in; the machine's own by default.
        prices: What models cost, where somebody told.
        ending: Set when the viewer ends, so that nobody waits for news any longer.
    """

    stores: Stores
    access: Access
    zone: dt.tzinfo | None = None
    prices: Prices | None = None
    ending: threading.Event = field(default_factory=threading.Event)

    def shape(
        self,
        *,
        key: str = "",
        below: Callable[[Turn], Markup] | None = None,
        opens_trace: bool = False,
    ) -> Shape:
        """Return how something is drawn."""
        return Shape(zone=self.zone, key=key, below=below, opens_trace=opens_trace)

    @property
    def now_ns(self) -> int:
        """What time it is."""
        return self.stores.clock.now_ns()


class NotThereError(Exception):
    """What an address names is not in the store."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"There is no such {self.what} here; it may have been deleted."
