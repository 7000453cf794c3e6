"""The tracer for Haystack: it lives beside any other, and nothing of it reaches the pipeline."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from haystack.tracing.tracer import Span, Tracer

from threadline.capture.guard import hook_failures, never_raises
from threadline.client import default_client
from threadline.clock import now_ns
from threadline.haystack.answers import Answers
from threadline.haystack.families import HEARD, families
from threadline.haystack.runs import LiveRun, open_child, open_root
from threadline.ids import unpack_id

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from contextvars import Token
    from types import TracebackType

    from threadline.capture.recorder import Recorder
    from threadline.client import Client


class ThreadlineSpan(Span):
    """One span: a run of ours, and the span of the tracer beside us."""

    def __init__(
        self, tracer: ThreadlineTracer, run: LiveRun | None, *, is_own: bool = False
    ) -> None:
        self.run = run
        self._is_own = is_own
        self.beside: Span | None = None
        self._tracer = tracer

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag; what is not read is dropped on arrival."""
        self._hear(key, value)
        if self.beside is not None:
            self.beside.set_tag(key, value)

    def set_content_tag(self, key: str, value: Any) -> None:
        """Set a tag that holds words; the tracer beside decides for itself whether to take it."""
        self._hear(key, value)
        if self.beside is not None:
            self.beside.set_content_tag(key, value)

    def raw_span(self) -> Any:
        """Return the span of the tracer beside us, which has users; ours has none."""
        return self if self.beside is None else self.beside.raw_span()

    def get_correlation_data_for_logs(self) -> dict[str, Any]:
        """Return what the tracer beside us adds to log records."""
        return {} if self.beside is None else self.beside.get_correlation_data_for_logs()

    def _hear(self, key: str, value: Any) -> None:
        if self._is_own and key in HEARD and self.run is not None and not self.run.ended:
            self._tracer.hear(self.run, key, value)


class ThreadlineTracer(Tracer):
    """Records runs of Haystack's pipelines and agents as turns of conversations.

    One tracer serves all users, threads and tasks at once. `threadline.attach()` puts it in front
    of the tracer that was there, which goes on to get everything.

    Args:
        client: The client to record by; by default the default one, as it is when a turn begins.
        beside: The tracer to pass everything on to.
    """

    def __init__(self, client: Client | None = None, *, beside: Tracer | None = None) -> None:
        self.client = client
        self.beside = beside
        self._families = families(Answers())

    def trace(  # pyright: ignore[reportIncompatibleMethodOverride] (a class is cheaper than a generator)
        self,
        operation_name: str,
        tags: dict[str, Any] | None = None,
        parent_span: Span | None = None,
    ) -> AbstractContextManager[Span]:
        """Return a context manager that records what happens inside as one span."""
        passed_on = _passing_on.get() if self.beside is not None else None
        if passed_on is not None:  # the tracer beside has us among its own
            return nullcontext(passed_on)
        return _Tracing(self, operation_name, tags, parent_span)

    def current_span(self) -> Span | None:
        """Return the span that surrounds the caller, if it is still open."""
        span, beside = self._live_span(), self.beside
        if span is not None or beside is None or _passing_on.get() is not None:
            return span
        token = _passing_on.set(ThreadlineSpan(self, None))
        try:
            around = beside.current_span()
        finally:
            _passing_on.reset(token)
        if around is None:
            return None
        foreign = ThreadlineSpan(self, None)
        foreign.beside = around
        return foreign

    @never_raises
    def _live_span(self) -> ThreadlineSpan | None:
        return _live_span()

    @never_raises
    def begin(self, operation: str, tags: dict[str, Any], parent: Span | None) -> LiveRun | None:
        """Begin a run; None for an operation that is not known."""
        family = self._families.get(operation)
        above = _run_above(parent)
        if family is None:
            return None
        at_ns = now_ns()
        if above is None:
            run = open_root(self.client or default_client(), operation, at_ns)
        else:
            run = open_child(above, operation, at_ns)
        try:
            if run.recorder is not None:
                family.begin(run, tags)
        except Exception as error:  # noqa: BLE001 (its children must still find it)
            hook_failures.swallow(error)
        return run

    @never_raises
    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """Take in what a tag tells of a run."""
        if run.recorder is not None:
            self._families[run.operation].hear(run, key, value)

    @never_raises
    def end(self, run: LiveRun, error: BaseException | None) -> None:
        """End a run."""
        at_ns = now_ns()
        try:
            if run.recorder is not None:
                self._families[run.operation].end(run, at_ns, error)
        finally:
            run.ended = True
            run.output = None


class _Tracing:
    """One traced operation; entered and left on whatever thread and in whatever context."""

    __slots__ = ("_before", "_beside", "_given", "_own", "_run", "_token", "_tracer")

    def __init__(
        self,
        tracer: ThreadlineTracer,
        operation: str,
        tags: dict[str, Any] | None,
        parent: Span | None,
    ) -> None:
        self._tracer = tracer
        self._given = (operation, tags, parent)
        self._beside: AbstractContextManager[Span] | None = None
        self._before: ThreadlineSpan | None = None
        self._token: Token[ThreadlineSpan | None] | None = None
        self._own: ThreadlineSpan | None = None
        self._run: LiveRun | None = None

    def __enter__(self) -> Span:
        span = self._begin() or ThreadlineSpan(self._tracer, None)
        if self._tracer.beside is not None:
            try:
                self._enter_beside(span)
            except BaseException as error:
                if self._run is not None:
                    self._tracer.end(self._run, error)
                raise
        self._before, self._own = _current.get(), span
        self._token = _current.set(span)
        return span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._leave()
        if self._run is not None and not self._run.ended:
            self._tracer.end(self._run, error)
        if self._beside is not None:
            return self._beside.__exit__(kind, error, trace)
        return None

    @never_raises
    def _begin(self) -> ThreadlineSpan:
        operation, tags, parent = self._given
        run = self._run = self._tracer.begin(operation, tags or {}, parent)
        return ThreadlineSpan(self._tracer, run or _run_above(parent), is_own=run is not None)

    def _leave(self) -> None:
        """Make what was around before current again, in whatever context this is."""
        if self._token is None:
            return
        try:
            _current.reset(self._token)
        except (ValueError, RuntimeError):  # a generator that was closed in another context
            if _current.get() is self._own:
                _current.set(self._before)

    def _enter_beside(self, span: ThreadlineSpan) -> None:
        operation, tags, parent = self._given
        beside = self._tracer.beside
        if beside is not None:
            theirs = parent.beside if isinstance(parent, ThreadlineSpan) else parent
            # tags that the tracer beside passes back to us have been heard already
            token = _passing_on.set(ThreadlineSpan(self._tracer, span.run))
            try:
                self._beside = beside.trace(operation, tags=tags, parent_span=theirs)
                span.beside = self._beside.__enter__()
            finally:
                _passing_on.reset(token)


_current: Final[ContextVar[ThreadlineSpan | None]] = ContextVar(
    "threadline_haystack_span", default=None
)


_passing_on: Final[ContextVar[ThreadlineSpan | None]] = ContextVar(
    "threadline_haystack_passing_on", default=None
)


def current_run() -> LiveRun | None:
    """Return the run around the caller, if it is still open."""
    span = _live_span()
    return None if span is None else span.run


def run_around() -> tuple[Recorder, str] | None:
    """Return the recorder and the turn of the run that the caller is in."""
    run = current_run()
    if run is None or run.recorder is None:
        return None
    return run.recorder, run.turn_id or unpack_id(run.turn)


def _live_span() -> ThreadlineSpan | None:
    """The span around the caller; a dead one may stay behind in a context that others left."""
    span = _current.get()
    return None if span is None or (span.run is not None and span.run.ended) else span


def _run_above(parent: Span | None) -> LiveRun | None:
    """The parent that is named, if it is one of ours and open; else the one around the caller."""
    if isinstance(parent, ThreadlineSpan) and parent.run is not None and not parent.run.ended:
        return parent.run
    return current_run()
