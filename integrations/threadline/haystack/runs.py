"""Open spans of Haystack as runs: which turn, which parent, which recorder. No lock anywhere."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from threadline.capture.events import SpanEnded, SpanStarted
from threadline.capture.heard import Heard
from threadline.capture.held_back import HeldBack
from threadline.capture.scope import Scope, current_scope, paused
from threadline.haystack.control_flow import ending_of
from threadline.haystack.visibility import shows_content
from threadline.ids import unpack_id, uuid7

if TYPE_CHECKING:
    from threadline.capture.events import Detail, Identity, Ref
    from threadline.capture.recorder import Draft, Recorder
    from threadline.client import Client
    from threadline.haystack.streaming import Listener
    from threadline.haystack.talk import Talk


T = TypeVar("T")


class LiveRun:
    """One span that has started and not ended.

    `recorder` is None where nothing is recorded: recording is off, or this run of it. `span` is
    the run's own id, or that of its nearest recorded ancestor where the run itself is plumbing;
    children hang on it. All runs of a root share what is held back. `shows` tells whether words
    may be recorded, for all of a root.
    """

    __slots__ = (
        "above",
        "at_ns",
        "connectors",
        "ended",
        "failure",
        "heard",
        "held_back",
        "ids",
        "kind",
        "last_answer",
        "listeners",
        "name",
        "operation",
        "output",
        "parent",
        "plumbing",
        "prompt",
        "reads",
        "recorder",
        "root",
        "scope",
        "shows",
        "span",
        "streams",
        "talk",
        "talks",
        "thread_id",
        "told",
        "turn",
        "turn_id",
        "user_id",
    )

    def __init__(self, recorder: Recorder | None, operation: str, at_ns: int) -> None:
        self.recorder = recorder
        self.operation = operation
        self.at_ns = at_ns
        self.kind = "step"
        self.name = operation
        self.parent: LiveRun | None = None
        self.root = self
        self.ids: itertools.count[int] = _NO_IDS
        self.span = b""
        self.turn = b""
        self.turn_id: str | None = None
        self.above: bytes | None = None
        self.plumbing = self.told = self.ended = False
        self.scope: Scope | None = None
        self.thread_id: str | None = None
        self.user_id: str | None = None
        self.output: Any = None
        self.failure: tuple[str, str] | None = None
        self.talk: Talk | None = None
        self.talks: dict[str, Talk] = {}
        self.prompt: bytes | None = None
        self.last_answer: list[Any] = []
        self.heard = Heard()
        self.listeners: dict[str, Listener] = _NO_LISTENERS
        self.reads = False
        self.streams = False
        self.shows = True
        self.connectors: frozenset[str] = frozenset()
        self.held_back = _NOTHING_HELD

    @property
    def is_root(self) -> bool:
        """Whether a turn begins and ends with it."""
        return self.parent is None

    @property
    def framework_id(self) -> str:
        """The id that what a model call says is known by."""
        return unpack_id(self.span)

    @property
    def talk_around(self) -> Talk | None:
        """The talk of the agent whose run or step this one is directly beneath."""
        return None if self.parent is None else self.parent.talk

    def visible(self, value: T) -> T | None:
        """Return `value` where content may be recorded, else None."""
        return value if self.shows else None

    def become_plumbing(self) -> None:
        """Be no span of its own: what is beneath hangs on its parent."""
        self.plumbing = True
        self.told = True
        if self.parent is not None:
            self.span = self.parent.span

    def drop(self) -> None:
        """Record nothing of this run, nor of what is beneath it."""
        self.recorder = None


_NOTHING_HELD: Final = HeldBack()
_NO_LISTENERS: Final[dict[str, Listener]] = {}
_NO_IDS: Final = itertools.count()


def open_root(client: Client, operation: str, at_ns: int) -> LiveRun:
    """Return the run of a span that nothing recorded is around."""
    run = LiveRun(_recorder_now(client), operation, at_ns)
    run.held_back = HeldBack()
    if run.recorder is not None:
        run.scope, run.shows = current_scope.get(), shows_content()
        key = uuid7()
        # the spans beneath count on from it: a random number for each would wait for other threads
        run.ids = itertools.count(key.int + 1)
        name_turn(run, key.bytes)
    return run


def name_turn(root: LiveRun, key: bytes) -> None:
    """Give a root its turn: that of the surrounding scope, else one of its own under `key`."""
    scope = root.scope
    root.span = key
    root.turn = scope.turn if scope is not None and scope.turn else key


def open_child(parent: LiveRun, operation: str, at_ns: int) -> LiveRun:
    """Return the run of a span beneath `parent`."""
    run = LiveRun(parent.recorder, operation, at_ns)
    run.parent, run.root, run.held_back = parent, parent.root, parent.held_back
    run.shows = parent.shows
    if run.recorder is not None:
        run.turn, run.above = parent.turn, parent.span
        run.span = next(run.root.ids).to_bytes(16, "big")
        run.scope, run.thread_id, run.user_id = parent.scope, parent.thread_id, parent.user_id
    return run


def tell_start(
    run: LiveRun,
    draft: Draft,
    *,
    identity: Identity | None = None,
    messages: tuple[Ref, ...] | None = None,
    words: tuple[bytes, ...] = (),
    detail: Detail | None = None,
    before: tuple[SpanEnded, ...] = (),
) -> None:
    """Record that a span began, with what was held back until now."""
    if run.told:
        return
    run.told = True
    waiting = (*run.held_back.take(), *before)
    event = _started(run, identity, messages, words, detail, waiting)
    draft.record(event, first=run.is_root)


def hold_start(run: LiveRun) -> None:
    """Keep the start of a span that brings no words for the turn's next event."""
    if run.recorder is None or run.told:
        return
    run.told = True
    event = _started(run, None, None, (), None, ())
    if not run.held_back.keep(event):
        with run.recorder.draft() as draft:
            draft.record(event)


class Outcome(NamedTuple):
    """What a span brought: messages, a root's output strings and its answer, details."""

    messages: tuple[Ref, ...] | None = None
    texts: tuple[bytes, ...] = ()
    answer: bytes | None = None
    detail: Detail | None = None
    before: tuple[SpanEnded, ...] = ()


_NOTHING: Final = Outcome()


def tell_end(
    run: LiveRun,
    draft: Draft,
    at_ns: int,
    error: BaseException | None,
    outcome: Outcome = _NOTHING,
) -> None:
    """Record that a span ended, with what was held back until now."""
    if run.plumbing or not run.told:
        return
    if run.is_root:
        run.held_back.is_closed = True
    end = ended(run, at_ns, error)
    is_bare = outcome == _NOTHING and end.status == "ok" and not run.is_root
    if is_bare and run.held_back.keep(end):
        return
    draft.record(
        SpanEnded(
            run.turn,
            run.span,
            at_ns,
            end.status,
            end.failure,
            outcome.messages,
            outcome.texts,
            outcome.answer,
            detail=outcome.detail,
            before=(*run.held_back.take(), *outcome.before),
        ),
        last=run.is_root,
    )


def end_alone(
    run: LiveRun, at_ns: int, error: BaseException | None, outcome: Outcome = _NOTHING
) -> None:
    """Record that a span ended for which nothing had to be sealed."""
    if run.recorder is not None:
        with run.recorder.draft() as draft:
            tell_end(run, draft, at_ns, error, outcome)


def ended(
    run: LiveRun,
    at_ns: int,
    error: BaseException | None,
    *,
    messages: tuple[Ref, ...] | None = None,
) -> SpanEnded:
    """Return the end of a span, to be recorded or to go along with another event."""
    status, failure = ending_of(error)
    if run.failure is not None and failure is None and status == "ok":
        status, failure = "error", run.failure
    return SpanEnded(run.turn, run.span, at_ns, status, failure, messages)


def _started(
    run: LiveRun,
    identity: Identity | None,
    messages: tuple[Ref, ...] | None,
    words: tuple[bytes, ...],
    detail: Detail | None,
    before: tuple[SpanStarted | SpanEnded, ...],
) -> SpanStarted:
    return SpanStarted(
        run.turn,
        run.span,
        run.at_ns,
        run.kind,
        run.name,
        run.above,
        identity,
        messages,
        words,
        detail,
        before,
    )


def _recorder_now(client: Client) -> Recorder | None:
    if not client.settings.enabled:
        client.count_refusal()
        return None
    if paused.get() is not None:
        return None
    recorder = client.recorder
    return None if recorder.is_stopped() else recorder
