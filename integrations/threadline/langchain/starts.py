"""What the start of each kind of run becomes: one event, or nothing for plumbing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import Detail, Identity, Ref, SpanStarted
from threadline.capture.plain import json_of
from threadline.capture.scope import current_scope
from threadline.langchain import identity as who
from threadline.langchain.inputs import read_input
from threadline.langchain.messages import prompts_as_bodies, refs_of
from threadline.langchain.prompts import parameters_of, prompt_used
from threadline.model.message import USER

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_core.messages import BaseMessage

    from threadline.capture.recorder import Draft
    from threadline.langchain.runs import LiveRun, RunTable

Names = Mapping[str, Any] | None

_GRAPHS: Final = frozenset({"langchain_create_agent", "langgraph"})


class Starts:
    """Translates starts. One per handler; holds nothing but who still waits for a first chunk."""

    def __init__(self, runs: RunTable, defaults: tuple[str | None, str | None]) -> None:
        self.first_tokens: dict[UUID, None] = {}
        self._runs = runs
        self._defaults = defaults

    def chain(
        self,
        at_ns: int,
        inputs: object,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Names,
        kwargs: Mapping[str, Any],
        serialized: Names,
    ) -> None:
        """A chain, graph, node, prompt or parser."""
        begun = self._runs.begin(run_id, parent_run_id, metadata)
        if begun is None:
            return
        run, parent = begun
        name = _name_of(kwargs, serialized)
        if parent is not None and kwargs.get("run_type") == "prompt":
            parent.prompt = prompt_used(inputs, name, metadata)
        kind = _chain_kind(run, parent, name, tags, metadata, kwargs.get("run_type"))
        if kind is None:
            _become_plumbing(run, parent)
            return
        self._read_and_record(at_ns, run, parent, kind, name, tags, metadata, inputs, kwargs)

    def _read_and_record(
        self,
        at_ns: int,
        run: LiveRun,
        parent: LiveRun | None,
        kind: str,
        name: str,
        tags: Sequence[str] | None,
        metadata: Names,
        inputs: object,
        kwargs: Mapping[str, Any],
    ) -> None:
        identity = self._identity(run, parent, name, tags, metadata)
        run.streams = "defers_inputs" in kwargs
        messages: tuple[Ref, ...] | None = None
        words: bytes | None = None
        with run.recorder.draft() as draft:
            if run.reads_messages and not run.streams:
                messages, words = read_root_input(inputs, run, draft)
            internal = parent is not None and who.is_side_call(metadata)
            detail = Detail(internal=True) if internal else None
            _record(draft, at_ns, run, parent, kind, name, identity, messages, words, detail)

    def chat_model(
        self,
        at_ns: int,
        prompts: Sequence[Sequence[BaseMessage]],
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Names,
        kwargs: Mapping[str, Any],
        serialized: Names,
    ) -> None:
        """A chat model."""
        begun = self._runs.begin(run_id, parent_run_id, metadata)
        if begun is None:
            return
        run, parent = begun
        name = _name_of(kwargs, serialized)
        identity = self._identity(run, parent, name, tags, metadata)
        self.first_tokens[run_id] = None
        with run.recorder.draft() as draft:
            asked = prompts[0] if prompts else ()
            messages = refs_of(asked, draft)
            detail = _model_detail(draft, parent, metadata, kwargs)
            _record(draft, at_ns, run, parent, "llm", name, identity, messages, None, detail)

    def completion(
        self,
        at_ns: int,
        prompts: Sequence[str],
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Names,
        kwargs: Mapping[str, Any],
        serialized: Names,
    ) -> None:
        """A completion model."""
        begun = self._runs.begin(run_id, parent_run_id, metadata)
        if begun is None:
            return
        run, parent = begun
        name = _name_of(kwargs, serialized)
        identity = self._identity(run, parent, name, tags, metadata)
        self.first_tokens[run_id] = None
        with run.recorder.draft() as draft:
            messages = tuple((draft.seal(body), None) for body in prompts_as_bodies(prompts))
            detail = _model_detail(draft, parent, metadata, kwargs)
            _record(draft, at_ns, run, parent, "llm", name, identity, messages, None, detail)

    def tool(
        self,
        at_ns: int,
        given: object,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Names,
        kwargs: Mapping[str, Any],
        serialized: Names,
    ) -> None:
        """A tool."""
        begun = self._runs.begin(run_id, parent_run_id, metadata)
        if begun is None:
            return
        run, parent = begun
        name = str((serialized or {}).get("name") or kwargs.get("name") or "tool")
        run.tool_name = name
        identity = self._identity(run, parent, name, tags, metadata)
        call_id = kwargs.get("tool_call_id")
        detail = Detail(
            call_id=call_id if isinstance(call_id, str) else None,
            arguments=json_of(given),
            internal=parent is not None and who.is_side_call(metadata),
        )
        with run.recorder.draft() as draft:
            _record(draft, at_ns, run, parent, "tool", name, identity, None, None, detail)

    def retriever(
        self,
        at_ns: int,
        query: str,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Names,
        kwargs: Mapping[str, Any],
        serialized: Names,
    ) -> None:
        """A retriever."""
        begun = self._runs.begin(run_id, parent_run_id, metadata)
        if begun is None:
            return
        run, parent = begun
        name = _name_of(kwargs, serialized)
        identity = self._identity(run, parent, name, tags, metadata)
        with run.recorder.draft() as draft:
            detail = Detail(query=str(query))
            _record(draft, at_ns, run, parent, "retriever", name, identity, None, None, detail)

    def _identity(
        self,
        run: LiveRun,
        parent: LiveRun | None,
        name: str,
        tags: Sequence[str] | None,
        metadata: Names,
    ) -> Identity | None:
        if parent is not None:
            return _identity_of_child(run, name, metadata)
        identity = who.identity_of_root(metadata, tags, name, run.scope, self._defaults)
        run.thread_id, run.user_id = identity.thread_id, identity.user_id
        return identity


def read_root_input(
    inputs: object, run: LiveRun, draft: Draft
) -> tuple[tuple[Ref, ...] | None, bytes | None]:
    """Seal what a root was given: its list of messages, and the user's words beside it."""
    given = read_input(inputs)
    run.list_key = given.key
    messages = refs_of(given.messages, draft) or None
    words = None if given.words is None else draft.seal_text(given.words, USER)
    return messages, words


def _identity_of_child(run: LiveRun, name: str, metadata: Names) -> Identity | None:
    """An id that this run shows and its parent did not: in metadata, around it, or in a scope."""
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


def _model_detail(
    draft: Draft, parent: LiveRun | None, metadata: Names, kwargs: Mapping[str, Any]
) -> Detail:
    metadata = metadata or {}
    params: Mapping[str, Any] = kwargs.get("invocation_params") or {}
    model = metadata.get("ls_model_name") or params.get("model") or params.get("model_name")
    provider = metadata.get("ls_provider")
    prompt = None if parent is None else parent.prompt
    return Detail(
        model=model if isinstance(model, str) else None,
        provider=provider if isinstance(provider, str) else None,
        parameters=draft.seal_value(parameters_of(params)) if params else None,
        prompt=None if prompt is None else draft.seal_json(prompt),
        internal="lc_source" in metadata or (parent is not None and who.is_side_call(metadata)),
    )


def _record(
    draft: Draft,
    at_ns: int,
    run: LiveRun,
    parent: LiveRun | None,
    kind: str,
    name: str,
    identity: Identity | None,
    messages: tuple[Ref, ...] | None,
    words: bytes | None,
    detail: Detail | None,
) -> None:
    run.recorded = True
    above = None if parent is None else parent.span
    draft.record(
        SpanStarted(run.turn, run.span, at_ns, kind, name, above, identity, messages, words, detail)
    )


def _chain_kind(
    run: LiveRun,
    parent: LiveRun | None,
    name: str,
    tags: Sequence[str] | None,
    metadata: Names,
    run_type: object,
) -> str | None:
    """The kind of span a chain is; None for what is only plumbing."""
    if run_type in {"prompt", "parser"}:
        return None
    metadata = metadata or {}
    is_graph = metadata.get("ls_integration") in _GRAPHS
    agent = metadata.get("lc_agent_name")
    whole = "agent" if metadata.get("ls_integration") == "langchain_create_agent" else "workflow"
    if parent is None:
        run.in_graph, run.agent = is_graph, agent
        return whole
    marks = [tag for tag in tags or () if ":" in tag]
    if "langsmith:hidden" in marks:
        return None
    if any(mark.startswith("graph:step:") for mark in marks):
        run.reads_messages = False
        return "step"
    inner = any(mark.startswith(("seq:step:", "map:key:")) for mark in marks)
    if is_graph and (not run.in_graph or agent != run.agent or not inner):
        run.in_graph, run.agent = True, agent
        return whole
    if inner or name.startswith("Runnable"):
        return None
    return "workflow"


def _become_plumbing(run: LiveRun, parent: LiveRun | None) -> None:
    """Children of plumbing hang on its nearest recorded ancestor."""
    if parent is not None:
        run.span = parent.span
        run.prompt = parent.prompt


def _name_of(kwargs: Mapping[str, Any], serialized: Names) -> str:
    name = kwargs.get("name") or (serialized or {}).get("name")
    return str(name) if name else "run"
