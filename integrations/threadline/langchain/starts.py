"""What the start of each kind of run becomes: one event, or nothing for plumbing."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from threadline.capture.events import Detail, Identity, Ref, SpanStarted
from threadline.capture.heard import Heard
from threadline.capture.plain import json_of
from threadline.capture.scope import current_scope
from threadline.langchain import identity as who
from threadline.langchain.inputs import WHOLE_LIST, newest_of_state, read_input
from threadline.langchain.interrupts import resume_of
from threadline.langchain.messages import is_news, prompts_as_bodies, refs_of
from threadline.langchain.prompts import parameters_of, prompt_used
from threadline.langchain.task_watch import watch_task
from threadline.model.message import USER

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from langchain_core.messages import BaseMessage

    from threadline.capture.recorder import Draft
    from threadline.langchain.runs import LiveRun, RunTable

Names = Mapping[str, Any] | None

_KEPT_HISTORY: Final = "RunnableWithMessageHistory"
_GRAPHS: Final = frozenset({"langchain_create_agent", "langgraph"})
_MOST_AWAITED: Final = 1_000
_EMPTY_ID: Final = "a call gave an empty thread_id, which names no conversation"


class Start(NamedTuple):
    """What every hook is told of a run that starts."""

    at_ns: int
    run_id: UUID
    parent_run_id: UUID | None
    tags: Sequence[str] | None
    metadata: Names
    kwargs: Mapping[str, Any]
    name: str


def name_of(kwargs: Mapping[str, Any], serialized: Names) -> str:
    """Return the name of a run."""
    name = kwargs.get("name") or (serialized and serialized.get("name"))
    return str(name) if name else "run"


class Starts:
    """Translates starts. One per handler; holds nothing but what streaming calls say."""

    def __init__(
        self,
        runs: RunTable,
        defaults: tuple[str | None, str | None],
        cut_off: Callable[[UUID], object],
    ) -> None:
        self.chunks: dict[int, Heard] = {}
        self._runs = runs
        self._defaults = defaults
        self._cut_off = cut_off
        self._most_awaited = _MOST_AWAITED

    def chain(self, start: Start, inputs: object) -> None:
        """A chain, graph, node, prompt or parser."""
        begun = self._runs.begin(start.run_id, start.parent_run_id, start.metadata)
        if begun is None:
            return
        run, parent = begun
        if parent is not None and start.kwargs.get("run_type") == "prompt":
            parent.prompt = prompt_used(inputs, start.name, start.metadata)
        kind = _chain_kind(run, parent, start)
        if kind is None and not _names_another_thread(run, start):
            _become_plumbing(run, parent)
            return
        identity = self._identity(run, parent, start)
        if kind == "step" and identity is None and _waits(run, parent, start):
            return
        run.streams = "defers_inputs" in start.kwargs or _is_placeholder(inputs)
        messages: tuple[Ref, ...] | None = None
        words: tuple[bytes, ...] = ()
        with run.recorder.draft() as draft:
            if run.reads_messages and not run.streams:
                messages, words = read_root_input(inputs, run, draft)
            elif kind == "step" and parent is not None and parent.list_length:
                newest = newest_of_state(inputs, parent.list_key, parent.list_length)
                messages, parent.list_length = refs_of(newest, draft) or None, 0
            internal = parent is not None and who.is_side_call(start.metadata)
            told = None if kind == "step" else _told_beside(run, start, inputs)
            detail = Detail(internal=internal, attributes=told) if internal or told else None
            waits = kind == "step" and not (identity or detail or draft.bodies)
            event = _started(
                run,
                start,
                kind or "workflow",
                identity,
                detail,
                messages=messages,
                words=words,
                waits=waits,
            )
            if not (waits and run.held_back.keep(event)):
                draft.record(event, first=parent is None)

    def chat_model(self, start: Start, prompts: Sequence[Sequence[BaseMessage]]) -> None:
        """A chat model."""
        begun = self._runs.begin(start.run_id, start.parent_run_id, start.metadata)
        if begun is None:
            return
        run, parent = begun
        identity = self._identity(run, parent, start)
        self._listen(start.run_id, run)
        with run.recorder.draft() as draft:
            asked = prompts[0] if prompts else ()
            messages = refs_of(asked, draft)
            detail = _model_detail(draft, parent, start, _made_up(asked, messages))
            event = _started(run, start, "llm", identity, detail, messages=messages)
            draft.record(event, first=parent is None)

    def completion(self, start: Start, prompts: Sequence[str]) -> None:
        """A completion model."""
        begun = self._runs.begin(start.run_id, start.parent_run_id, start.metadata)
        if begun is None:
            return
        run, parent = begun
        identity = self._identity(run, parent, start)
        self._listen(start.run_id, run)
        with run.recorder.draft() as draft:
            messages = tuple((draft.seal(body), None) for body in prompts_as_bodies(prompts))
            detail = _model_detail(draft, parent, start)
            event = _started(run, start, "llm", identity, detail, messages=messages)
            draft.record(event, first=parent is None)

    def tool(self, start: Start, given: object) -> None:
        """A tool."""
        begun = self._runs.begin(start.run_id, start.parent_run_id, start.metadata)
        if begun is None:
            return
        run, parent = begun
        identity = self._identity(run, parent, start)
        call_id = start.kwargs.get("tool_call_id")
        detail = Detail(
            call_id=call_id if isinstance(call_id, str) else None,
            arguments=json_of(given),
            internal=parent is not None and who.is_side_call(start.metadata),
        )
        if parent is None:
            self._watch(start.run_id, run)
        with run.recorder.draft() as draft:
            draft.record(_started(run, start, "tool", identity, detail))

    def retriever(self, start: Start, query: str) -> None:
        """A retriever."""
        begun = self._runs.begin(start.run_id, start.parent_run_id, start.metadata)
        if begun is None:
            return
        run, parent = begun
        identity = self._identity(run, parent, start)
        if parent is None:
            self._watch(start.run_id, run)
        with run.recorder.draft() as draft:
            detail = Detail(query=str(query))
            draft.record(_started(run, start, "retriever", identity, detail))

    def _listen(self, run_id: UUID, run: LiveRun) -> None:
        """Keep what the call says, for a root that is left before the call ends."""
        if len(self.chunks) >= self._most_awaited:
            self._forget_what_never_ended(run.recorder.runs)
        self.chunks[run_id.int] = run.heard = Heard()
        run.calls[run_id.int] = run
        if run.root_of_turn:
            self._watch(run_id, run)

    def _forget_what_never_ended(self, live: Mapping[int, object]) -> None:
        for number in list(self.chunks):
            if number not in live:
                self.chunks.pop(number, None)
        self._most_awaited = max(_MOST_AWAITED, 2 * len(self.chunks))

    def _watch(self, run_id: UUID, run: LiveRun) -> None:
        watch_task(run, functools.partial(self._cut_off, run_id))

    def _identity(self, run: LiveRun, parent: LiveRun | None, start: Start) -> Identity | None:
        if parent is not None:
            return _identity_of_child(run, start.name, start.metadata)
        identity = who.identity_of_root(
            start.metadata, start.tags, start.name, run.scope, self._defaults
        )
        run.thread_id, run.user_id = identity.thread_id, identity.user_id
        if identity.thread_id is None and who.names_an_empty_thread(start.metadata):
            run.recorder.losses.warn_once(_EMPTY_ID)
        return identity


def _waits(run: LiveRun, parent: LiveRun | None, start: Start) -> bool:
    """Hold back a node's start that brings nothing, as all but a graph's first do."""
    if parent is None or parent.list_length or who.is_side_call(start.metadata):
        return False
    return run.held_back.keep(_started(run, start, "step", None, None, waits=True))


def _told_beside(run: LiveRun, start: Start, inputs: object) -> bytes | None:
    """What a graph goes on from: a human's answer, or a checkpoint that the caller names."""
    told = resume_of(inputs)
    if run.above is None and start.metadata and "checkpoint_id" in start.metadata:
        run.list_length = WHOLE_LIST  # its first step tells what the checkpoint holds
        told = {**(told or {}), "checkpoint_id": str(start.metadata["checkpoint_id"])}
    return None if told is None else json_of(told)


def read_root_input(
    inputs: object, run: LiveRun, draft: Draft
) -> tuple[tuple[Ref, ...] | None, tuple[bytes, ...]]:
    """Seal what a root was given: its list of messages, and the user's words beside it."""
    given = read_input(inputs)
    run.list_key, run.list_length = given.key, len(given.messages)
    messages = refs_of(given.messages, draft) or None
    words = tuple(draft.seal_text(text, USER) for text in given.words)
    return messages, words


def _identity_of_child(run: LiveRun, name: str, metadata: Names) -> Identity | None:
    """An id that this run shows and its parent did not: in metadata, around it, or in a scope."""
    if run.thread_id is not None and _shows_the_same(run, metadata):
        return None
    thread_id, user_id = who.thread_of(metadata), who.user_of(metadata)
    if thread_id is None or user_id is None:
        configurable = who.configurable_now()
        if configurable is not None:
            thread_id = thread_id or who.first_id(configurable, who.THREAD_KEYS)
            user_id = user_id or who.user_of(configurable) or who.runtime_user()
    scope = current_scope.get()
    if thread_id is None and scope is not None and scope is not run.scope:
        thread_id, user_id = scope.thread_id, user_id or scope.user_id
        run.scope = scope
    news = thread_id is not None and thread_id != run.thread_id
    if not news and (user_id is None or user_id == run.user_id):
        return None
    run.thread_id = thread_id or run.thread_id
    run.user_id = user_id or run.user_id
    run.reads_messages = run.reads_messages or news
    return Identity(thread_id=thread_id if news else None, user_id=user_id, name=name)


def _shows_the_same(run: LiveRun, metadata: Names) -> bool:
    """The usual case, told with few look-ups: the metadata and surroundings of its parent."""
    seen = run.around
    around = run.around = who.configurable_now()
    return (
        (around is None or around is seen or who.tells_the_same(around, seen))
        and metadata is not None
        and metadata.get("thread_id") == run.thread_id
        and metadata.get("user_id") in (None, run.user_id)
        and "langgraph_auth_user_id" not in metadata
        and current_scope.get() is run.scope
    )


def _made_up(messages: Sequence[BaseMessage], refs: tuple[Ref, ...]) -> tuple[bytes, ...]:
    """Which messages of a prompt nobody said, such as a summary of older ones."""
    both = zip(messages, refs, strict=True)
    return tuple([ref[0] for one, ref in both if one.additional_kwargs and not is_news(one)])


def _model_detail(
    draft: Draft, parent: LiveRun | None, start: Start, aside: tuple[bytes, ...] = ()
) -> Detail:
    metadata = start.metadata or {}
    params: Mapping[str, Any] = start.kwargs.get("invocation_params") or {}
    model = metadata.get("ls_model_name") or params.get("model") or params.get("model_name")
    provider = metadata.get("ls_provider")
    prompt = None if parent is None else parent.prompt
    return Detail(
        model=model if isinstance(model, str) else None,
        provider=provider if isinstance(provider, str) else None,
        parameters=draft.seal_value(parameters_of(params)) if params else None,
        prompt=None if prompt is None else draft.seal_json(prompt),
        aside=aside,
        internal="lc_source" in metadata or (parent is not None and who.is_side_call(metadata)),
    )


def _started(
    run: LiveRun,
    start: Start,
    kind: str,
    identity: Identity | None,
    detail: Detail | None,
    *,
    messages: tuple[Ref, ...] | None = None,
    words: tuple[bytes, ...] = (),
    waits: bool = False,
) -> SpanStarted:
    run.recorded = True
    before = () if waits else run.held_back.take()
    name, at_ns = start.name, start.at_ns
    return SpanStarted(
        run.turn, run.span, at_ns, kind, name, run.above, identity, messages, words, detail, before
    )


def _is_placeholder(inputs: Any) -> bool:
    """Tell a streaming root's stand-in where langchain-core (1.0) does not mark it otherwise."""
    if inputs.__class__ is not dict or len(inputs) != 1 or "input" not in inputs:
        return False
    return inputs["input"].__class__ is str and not inputs["input"]


def _chain_kind(run: LiveRun, parent: LiveRun | None, start: Start) -> str | None:
    """The kind of span a chain is; None for what is only plumbing."""
    if start.kwargs.get("run_type") in {"prompt", "parser"}:
        return None
    metadata = start.metadata or {}
    integration, agent = metadata.get("ls_integration"), metadata.get("lc_agent_name")
    whole = "agent" if integration == "langchain_create_agent" else "workflow"
    if parent is None:
        run.in_graph, run.agent = integration in _GRAPHS, agent
        return whole
    if start.name == _KEPT_HISTORY:
        run.reads_messages = True
        return whole
    place = _place_of(start.tags or ())
    if place == "hidden":
        return None
    if place == "node":
        run.reads_messages, run.node = False, start.name
        return "step"
    inner = place == "part"
    if integration in _GRAPHS and (not run.in_graph or agent != run.agent or not inner):
        run.in_graph, run.agent = True, agent
        return whole
    other = None if start.name.startswith("Runnable") else "workflow"
    return _kind_of_task(run, start) if inner else other


def _place_of(tags: Sequence[str]) -> str | None:
    """Where a chain stands, as the framework tags it: a graph's node, a part of a chain, hidden."""
    place = None
    for tag in tags:
        if tag == "langsmith:hidden":
            return "hidden"
        if tag.startswith("graph:step:"):
            place = "node"
        elif place is None and tag.startswith(("seq:step:", "map:key:")):
            place = "part"
    return place


def _kind_of_task(run: LiveRun, start: Start) -> str | None:
    """A task of LangGraph's functional API looks like a part of its node, but is named as one."""
    name = start.name
    if run.node in {None, name} or (start.metadata or {}).get("langgraph_node") != name:
        return None
    run.node = name
    return "step"


def _names_another_thread(run: LiveRun, start: Start) -> bool:
    """Tell whether a run that would be plumbing is where another conversation begins."""
    thread_id = who.thread_of(start.metadata)
    if thread_id is None or thread_id == run.thread_id:
        return False
    return start.kwargs.get("run_type") not in {"prompt", "parser"}


def _become_plumbing(run: LiveRun, parent: LiveRun | None) -> None:
    """Children of plumbing hang on its nearest recorded ancestor."""
    if parent is not None:
        run.span = parent.span
        run.prompt = parent.prompt
