"""A turn under way: its spans as they start and end, until it is whole."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from threadline.capture.events import (
    FirstChunk,
    HeardSoFar,
    Identity,
    Ref,
    SpanEnded,
    SpanStarted,
    TurnClosed,
    TurnLogged,
    TurnOpened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class OpenSpan:
    """One span: how it started and, once it has, how it ended.

    `kind` is llm, tool, step and so on; `internal` whether the framework or the application marked
    it as no part of the transcript. It does not keep its parent, which the turn does: spans that
    keep each other would lie in memory, with all they hold, until the collector goes through it.
    """

    __slots__ = (
        "__weakref__",
        "_parent",
        "children",
        "end",
        "ended_order",
        "first_chunk_ns",
        "heard",
        "internal",
        "kind",
        "n",
        "start",
    )

    def __init__(self, start: SpanStarted, n: int, parent: OpenSpan | None) -> None:
        self.start = start
        self.kind = start.kind
        self.internal = start.detail is not None and start.detail.internal
        self.n = n
        self._parent = None if parent is None else weakref.ref(parent)
        self.children: list[OpenSpan] = []
        self.end: SpanEnded | None = None
        self.ended_order = -1
        self.first_chunk_ns: int | None = None
        self.heard: bytes | None = None

    @property
    def parent(self) -> OpenSpan | None:
        """The span that it is beneath, as long as their turn is there; none of a root."""
        return None if self._parent is None else self._parent()

    @property
    def inputs(self) -> tuple[Ref, ...]:
        """The messages it was given, as known at last."""
        if self.end is not None and self.end.late_messages is not None:
            return self.end.late_messages
        return self.start.messages or ()

    @property
    def words(self) -> tuple[bytes, ...]:
        """What a root's other input says of the user's words: one text, or what could be it."""
        late = () if self.end is None else self.end.late_words
        return late or self.start.words

    @property
    def outputs(self) -> tuple[Ref, ...]:
        """What it produced, or a root's list at its end; what was heard if it never ended."""
        if self.end is None and self.heard is not None:
            return ((self.heard, None),)
        return (self.end.messages or ()) if self.end is not None else ()

    def adopt(self, child: OpenSpan) -> None:
        """Put a span beneath this one."""
        child._parent = weakref.ref(self)
        self.children.append(child)

    def beneath(self, kind: str) -> bool:
        """Tell whether it runs inside a span of this kind."""
        above = self.parent
        while above is not None:
            if above.kind == kind:
                return True
            above = above.parent
        return False

    def with_beneath(self) -> Iterator[OpenSpan]:
        """Yield it and all spans beneath it, each before its children."""
        waiting: list[OpenSpan] = [self]
        while waiting:
            span = waiting.pop()
            yield span
            waiting.extend(reversed(span.children))

    def ancestors(self) -> Iterator[OpenSpan]:
        """Yield its parent, its parent's parent, and so on."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


class OpenTurn:
    """A turn under way: one root run, or all root runs inside one `threadline.turn(...)`."""

    def __init__(self, key: bytes, started_ns: int) -> None:
        self.key = key
        self.started_ns = started_ns
        self.last_ns = started_ns
        self.opened: TurnOpened | None = None
        self.closed: TurnClosed | None = None
        self.logged: TurnLogged | None = None
        self.spans: dict[bytes, OpenSpan] = {}
        self.roots: list[OpenSpan] = []
        self.open_count = 0
        self.left_open_by_root = False
        self.abandoned = False
        self.is_remainder = False
        self.row: int | None = None
        self.looked_at = False
        self._early_ends: dict[bytes, SpanEnded] = {}
        self._orphans: list[OpenSpan] = []

    def start(self, event: SpanStarted) -> None:
        """Take in a span's start; a start that was seen before is ignored."""
        if event.run in self.spans:
            return
        parent = None if event.parent is None else self.spans.get(event.parent)
        span = OpenSpan(event, len(self.spans), parent)
        self.spans[event.run] = span
        (self.roots if parent is None else parent.children).append(span)
        self.open_count += 1
        self.last_ns = max(self.last_ns, event.at_ns)
        if self._orphans:
            self._adopt_orphans(span)
        if parent is None and event.parent is not None:
            self._orphans.append(span)
        early = self._early_ends.pop(event.run, None)
        if early is not None:
            self.end(early)

    def end(self, event: SpanEnded) -> None:
        """Take in a span's end; one without a start waits for it, a second one is ignored."""
        span = self.spans.get(event.run)
        if span is None:
            self._early_ends.setdefault(event.run, event)
            return
        if span.end is not None:
            return
        span.end = event
        span.ended_order = len(self.spans) - self.open_count
        self.open_count -= 1
        self.last_ns = max(self.last_ns, event.at_ns)
        for run, digest in event.heard:
            if run in self.spans:
                self.spans[run].heard = digest
        if span.parent is None and event.messages is None and (not event.texts or _is_late(event)):
            self.left_open_by_root = self.left_open_by_root or self._has_open_model_call(span)

    def first_chunk(self, event: FirstChunk) -> None:
        """Take in the arrival of a first chunk."""
        span = self.spans.get(event.run)
        if span is not None and span.first_chunk_ns is None:
            span.first_chunk_ns = event.at_ns

    def heard_so_far(self, event: HeardSoFar) -> None:
        """Take in what a model has said that still speaks."""
        span = self.spans.get(event.run)
        if span is not None and span.end is None:
            span.heard = event.heard
            self.last_ns = max(self.last_ns, event.at_ns)

    @property
    def is_over(self) -> bool:
        """Whether the application is done with it: its root has ended, or its scope was left."""
        if self.opened is not None:
            return self.closed is not None
        if self.logged is not None:
            return True
        return bool(self.roots) and all(root.end is not None for root in self.roots)

    @property
    def is_whole(self) -> bool:
        """Whether nothing more is to come."""
        if not self.is_over:
            return False
        return self.open_count == 0

    @property
    def has_failed(self) -> bool:
        """Whether a root was left by an exception: runs that it leaves open may never end."""
        return any(r.end is not None and r.end.status != "ok" for r in self.roots)

    @property
    def dead_ends(self) -> list[bytes]:
        """Runs that will hardly end any more, and beneath which nothing begins."""
        kinds = ("llm", "retriever", "tool") if self.has_failed else ("llm", "retriever")
        return [run for run, s in self.spans.items() if s.end is None and s.kind in kinds]

    @property
    def identity(self) -> Identity:
        """Whose turn it is, as its scope or its first root says."""
        if self.opened is not None:
            return self.opened.identity
        if self.logged is not None:
            return self.logged.identity
        for root in self.roots:
            if root.start.identity is not None:
                return root.start.identity
        return Identity()

    def beneath(self, root: OpenSpan) -> list[OpenSpan]:
        """Return the spans beneath a root, in the order they began."""
        spans = self.spans.values()
        if len(self.roots) == 1:
            return [span for span in spans if span is not root]
        return [span for span in spans if root in span.ancestors()]

    def _adopt_orphans(self, parent: OpenSpan) -> None:
        """Put spans whose start overtook their parent's, on another thread, beneath it."""
        above = {id(span) for span in parent.ancestors()}
        children = [
            orphan
            for orphan in self._orphans
            if orphan.start.parent == parent.start.run and id(orphan) not in above
        ]
        if not children:
            return
        for child in children:
            self.roots.remove(child)
            self._orphans.remove(child)
            parent.adopt(child)
        self.spans = {span.start.run: span for root in self.roots for span in root.with_beneath()}
        for n, span in enumerate(self.spans.values()):
            span.n = n

    def _has_open_model_call(self, root: OpenSpan) -> bool:
        return any(
            span.end is None
            and span.kind == "llm"
            and not span.beneath("tool")
            and span is not root
            for span in self.spans.values()
        )


def _is_late(end: SpanEnded) -> bool:
    """Whether a root learned its input only at its end, as streams do."""
    return end.late_messages is not None or bool(end.late_words)
