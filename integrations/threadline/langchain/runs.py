"""Open runs of LangChain, by run id: which turn, which parent, which recorder. No lock anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from threadline.capture.heard import Heard
from threadline.capture.held_back import HeldBack
from threadline.capture.scope import Scope, current_scope, paused
from threadline.client import Client, default_client, following_clients
from threadline.client.client import living_clients
from threadline.langchain.identity import is_off, parent_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.capture.recorder import Recorder
    from threadline.langchain.task_watch import TaskWatch

MAX_LIVE_RUNS: Final = 100_000
_NOTHING: Final = Heard()
"""What all runs have heard that do not speak; nobody adds to it."""


class LiveRun:
    """One run that has started and not ended.

    `span` is the run's own id, or that of its nearest recorded ancestor where the run itself is
    plumbing; children hang on it. All runs of a root share what is held back.
    """

    above: bytes | None = None
    off = False
    recorded = False
    root_of_turn = False
    reads_messages = False
    streams = False
    in_graph = False
    agent: str | None = None
    around: Mapping[str, Any] | None = None
    scope: Scope | None = None
    thread_id: str | None = None
    user_id: str | None = None
    list_key: str | None = None
    list_length = 0
    prompt: bytes | None = None
    heard = _NOTHING
    paused: str | None = None
    node: str | None = None
    watch: TaskWatch | None = None

    def __init__(
        self,
        recorder: Recorder,
        turn: bytes,
        span: bytes,
        held_back: HeldBack,
        calls: dict[int, LiveRun],
    ) -> None:
        self.recorder = recorder
        self.turn = turn
        self.span = span
        self.held_back = held_back
        self.calls = calls


def run_around() -> tuple[Recorder, str] | None:
    """Return the recorder and the turn of the run that the caller is in, of whatever client."""
    around = parent_now()
    for client in list(living_clients) if around is not None else ():
        run: LiveRun | None = client.open_runs.get(around.int) if around is not None else None
        if run is not None and not run.off:
            return run.recorder, turn_id_of(run)
    return None


def turn_id_of(run: LiveRun) -> str:
    """Return the id of a run's turn: the application's own, where it entered one."""
    named = run.scope.turn_id if run.scope is not None else None
    return named or str(UUID(bytes=run.turn))


class RunTable:
    """The open runs that one handler sees. Handlers of one client share what is underneath."""

    def __init__(self, client: Client | None) -> None:
        self._client = client
        self._only = () if client is None else (client,)

    @property
    def client(self) -> Client:
        """The client that a new run is recorded by."""
        return self._client or default_client()

    def begin(
        self, run_id: UUID, parent_run_id: UUID | None, metadata: Mapping[str, Any] | None
    ) -> tuple[LiveRun, LiveRun | None] | None:
        """Enter a run that starts.

        Returns:
            The run and its parent (None for a root), or None if it is not to be recorded: it is
            switched off, or known already because the same handler is attached twice.
        """
        parent = self.find(parent_run_id) if parent_run_id is not None else None
        if parent is None:
            # the argument lies for fallbacks, and beside LangSmith names runs that we never see
            around = parent_now()
            parent = self.find(around) if around is not None else None
        recorder = parent.recorder if parent is not None else self._recorder_now()
        if recorder is None:
            return None
        live: dict[int, LiveRun] = recorder.runs
        key = run_id.int  # hashed by C, unlike the UUID
        if key in live:
            return None
        run = _child_of(parent, run_id) if parent is not None else _root(recorder, run_id)
        run.off = is_off(metadata) or (parent is not None and parent.off) or recorder.is_stopped()
        live[key] = run
        if len(live) > MAX_LIVE_RUNS:
            _evict_oldest(live)
        return None if run.off else (run, parent)

    def find(self, run_id: UUID) -> LiveRun | None:
        """Return an open run."""
        number = run_id.int
        for client in self._only or following_clients():
            run: LiveRun | None = client.open_runs.get(number)
            if run is not None:
                return run
        return None

    def end(self, run_id: UUID) -> LiveRun | None:
        """Leave a run that ends; None if it is unknown, was ended before, or is not recorded."""
        number = run_id.int
        for client in self._only or following_clients():
            run: LiveRun | None = client.open_runs.pop(number, None)
            if run is not None:
                if run.root_of_turn:
                    run.held_back.is_closed = True
                    if run.watch is not None:
                        run.watch.stop()
                        run.watch = None
                return None if run.off else run
        return None

    def _recorder_now(self) -> Recorder | None:
        client = self.client
        if not client.settings.enabled:
            client.count_refusal()
            return None
        if paused.get():
            return None
        client.notice_fork()
        return client.recorder


def _root(recorder: Recorder, run_id: UUID) -> LiveRun:
    scope = current_scope.get()
    span = run_id.bytes
    turn = scope.turn if scope is not None and scope.turn else span
    run = LiveRun(recorder, turn, span, HeldBack(), {})
    run.scope = scope
    run.root_of_turn = True
    run.reads_messages = True
    if scope is not None and not scope.turn:
        scope.turn_ids.append(str(run_id))
    return run


def _child_of(parent: LiveRun, run_id: UUID) -> LiveRun:
    run = LiveRun(parent.recorder, parent.turn, run_id.bytes, parent.held_back, parent.calls)
    run.above = parent.span
    run.scope = parent.scope
    run.thread_id = parent.thread_id
    run.user_id = parent.user_id
    run.in_graph = parent.in_graph
    run.node = parent.node
    run.agent = parent.agent
    run.around = parent.around
    return run


def _evict_oldest(live: dict[int, LiveRun]) -> None:
    try:
        live.pop(next(iter(live)), None)
    except (StopIteration, RuntimeError):  # another thread was here in between
        return
