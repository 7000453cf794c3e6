"""Components of pipelines: generators, retrievers, agents, prompt builders, and all others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from haystack.dataclasses import Document

from threadline.capture.events import Detail, DocumentRef
from threadline.capture.plain import json_of
from threadline.haystack import identity as who
from threadline.haystack import names
from threadline.haystack.agents import end_agent, start_agent
from threadline.haystack.messages import refs_of
from threadline.haystack.model_calls import end_call, start_call
from threadline.haystack.runs import Outcome, hold_start, tell_end, tell_start
from threadline.haystack.shapes import is_list, is_mapping, messages_in
from threadline.haystack.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.capture.events import Ref
    from threadline.capture.recorder import Draft
    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun

_CONNECTOR: Final = "ThreadlineConnector"
_QUERIES: Final = ("query", "queries", "query_embedding", "text")
_SPOKEN: Final = frozenset({"agent", "llm", "retriever"})


class ComponentRuns:
    """Reads runs of components."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A component is about to run."""
        run.name = str(tags.get(names.COMPONENT_NAME) or "component")
        kind = kind_of(tags)
        if kind == _CONNECTOR:
            run.become_plumbing()
            return
        run.kind = kind
        parent = run.parent
        if kind == "agent":
            run.talk = Talk()
            if parent is not None:
                parent.talks[run.name] = run.talk
        elif kind not in _SPOKEN and parent is not None:
            hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It was given its input, or returned."""
        if key == names.COMPONENT_OUTPUT:
            run.output = value
        elif key == names.COMPONENT_INPUT and run.recorder is not None and not run.plumbing:
            self._start(run, value)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """It returned or failed."""
        if run.recorder is None or run.plumbing:
            return
        if run.kind == "llm":
            end_call(run, at_ns, error, self._answers)
        elif run.kind == "agent":
            end_agent(run, at_ns, error)
        else:
            with run.recorder.draft() as draft:
                documents = _documents(run, draft) if run.kind == "retriever" else ()
                results = _tool_messages(run, draft)
                detail = Detail(documents=documents) if documents else None
                tell_end(run, draft, at_ns, error, Outcome(results, detail=detail))

    def _start(self, run: LiveRun, value: Any) -> None:
        if run.kind == "llm":
            _let_speak(run)
            start_call(run, value, self._answers)
        elif run.kind == "agent":
            start_agent(run, value, self._answers)
        elif run.recorder is not None:
            _remember_prompt(run, value)
            identity = who.identity_of_root(run, who.Told()) if run.is_root else None
            detail = Detail(query=_query_of(run, value)) if run.kind == "retriever" else None
            with run.recorder.draft() as draft:
                tell_start(run, draft, identity=identity, detail=detail)


def _let_speak(run: LiveRun) -> None:
    listener = None if run.parent is None else run.parent.listeners.get(run.name)
    if listener is not None:
        listener.run = run


def kind_of(tags: Mapping[str, Any]) -> str:
    """Return the kind of span that a component is, by what it takes and gives.

    Example:
        >>> kind_of(
        ...     {
        ...         "haystack.component.type": "MyRetriever",
        ...         "haystack.component.input_types": {"query": "str"},
        ...         "haystack.component.output_spec": {"documents": {}},
        ...     }
        ... )
        'retriever'
    """
    name = str(tags.get(names.COMPONENT_TYPE) or "")
    takes, gives = _keys(tags, names.COMPONENT_TAKES), _keys(tags, names.COMPONENT_GIVES)
    if name == _CONNECTOR:
        return _CONNECTOR
    if _holds_a_pipeline(str(tags.get(names.COMPONENT_CLASS) or "")):
        return "workflow"
    if name == "Agent" or ("messages" in takes and "last_message" in gives):
        return "agent"
    if "replies" in gives and ("messages" in takes or "prompt" in takes):
        return "llm"
    if "documents" in gives and "documents" not in takes and any(q in takes for q in _QUERIES):
        return "retriever"
    return "embedding" if name.endswith("Embedder") else "step"


def _keys(tags: Mapping[str, Any], tag: str) -> Mapping[str, Any]:
    value = tags.get(tag)
    return value if is_mapping(value) else {}


def _holds_a_pipeline(qualified: str) -> bool:
    """Tell whether a class is a SuperComponent: what its pipeline does is told by spans of it."""
    known = _super_components.get(qualified)
    if known is None:
        module, _, name = qualified.rpartition(".")
        cls = getattr(sys.modules.get(module), name, None)
        above = [base.__name__ for base in getattr(cls, "__mro__", ())]
        known = "_SuperComponent" in above or name == "SuperComponent"
        if len(_super_components) < _MOST_CLASSES:
            _super_components[qualified] = known
    return known


_super_components: Final[dict[str, bool]] = {}
_MOST_CLASSES: Final = 1_000


def _query_of(run: LiveRun, value: Any) -> str | None:
    shown = run.visible(value)
    fields: Mapping[str, Any] = shown if is_mapping(shown) else {}
    for key in _QUERIES:
        query = fields.get(key)
        if isinstance(query, str):
            return query
        if key == "queries" and is_list(query) and all(isinstance(one, str) for one in query):
            return "; ".join(query)
    return None


def _documents(run: LiveRun, draft: Draft) -> tuple[DocumentRef, ...]:
    output: Any = run.visible(run.output)
    found: Any = output.get("documents") if is_mapping(output) else None
    documents: list[Document] = [
        one for one in (found if is_list(found) else ()) if isinstance(one, Document)
    ]
    return tuple(_document(document, draft) for document in documents)


def _document(document: Document, draft: Draft) -> DocumentRef:
    score = document.score
    return DocumentRef(
        digest=draft.seal_text(document.content or ""),
        id=str(document.id),
        score=float(score) if isinstance(score, int | float) else None,
        metadata=json_of(document.meta) if document.meta else None,
    )


def _tool_messages(run: LiveRun, draft: Draft) -> tuple[Ref, ...] | None:
    """What a component that invokes tools gave back."""
    output: Any = run.visible(run.output)
    found = messages_in(output.get("tool_messages")) if is_mapping(output) else []
    return refs_of(found, draft) or None


def _remember_prompt(run: LiveRun, value: Any) -> None:
    """Which variables a prompt was made with: the next model call of the pipeline is sent it."""
    if run.parent is None or not run.name or not is_mapping(value) or not _builds(value):
        return
    variables = {
        key: _shown(item)
        for key, item in value.items()
        if key not in {"template", "template_variables"} and item is not None
    }
    more = value.get("template_variables")
    variables |= {k: _shown(v) for k, v in more.items()} if is_mapping(more) else {}
    run.parent.prompt = json_of({"name": run.name, "variables": variables})


def _builds(value: Mapping[str, Any]) -> bool:
    return "template" in value and "template_variables" in value


def _shown(item: Any) -> Any:
    """Documents and messages among the variables stand elsewhere already."""
    if is_list(item) and item and isinstance(item[0], Document):
        return f"<{len(item)} documents>"
    messages = messages_in(item)
    return f"<{len(messages)} messages>" if messages else item
