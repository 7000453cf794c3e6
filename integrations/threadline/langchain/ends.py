"""What the end of each kind of run becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.messages import ToolMessage
from langchain_core.outputs import LLMResult

from threadline.capture.events import (
    Detail,
    DocumentRef,
    FirstChunk,
    HeardSoFar,
    Noted,
    Ref,
    SpanEnded,
)
from threadline.capture.guard import never_raises
from threadline.capture.plain import json_of, plain
from threadline.clock import now_ns
from threadline.ids import uuid7
from threadline.langchain.artifacts import artifact_json
from threadline.langchain.control_flow import failure_of, status_of
from threadline.langchain.graph_events import static_pause
from threadline.langchain.inputs import messages_of_step, read_output
from threadline.langchain.interrupts import (
    attributes_of,
    handed_over,
    interrupts_of,
    questions_asked,
)
from threadline.langchain.messages import is_message, refs_of
from threadline.langchain.runs import turn_id_of
from threadline.langchain.starts import read_root_input
from threadline.langchain.usage import finish_reason_of, model_of, usage_of
from threadline.model.feedback import Event
from threadline.model.message import ASSISTANT, text_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.documents import Document

    from threadline.capture.heard import Heard
    from threadline.capture.losses import Losses
    from threadline.capture.recorder import Draft
    from threadline.langchain.runs import LiveRun, RunTable


class Ends:
    """Translates ends. One per handler; holds nothing."""

    def __init__(self, runs: RunTable) -> None:
        self._runs = runs

    @property
    def _losses(self) -> Losses:
        return self._runs.client.losses

    def chain(self, at_ns: int, outputs: object, run_id: UUID, kwargs: Mapping[str, Any]) -> None:
        """A chain, graph or node returned."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        with run.recorder.draft() as draft:
            if run.reads_messages:
                _record_root_end(draft, at_ns, run, outputs, kwargs)
                return
            messages = refs_of(messages_of_step(outputs), draft) or None
            status, detail = _pause_of(run)
            # its own start may wait: what a message asks for must not overtake who asked
            before = run.held_back.take() if draft.bodies else ()
            event = SpanEnded(
                run.turn,
                run.span,
                at_ns,
                status,
                messages=messages,
                detail=detail,
                before=before,
            )
            if draft.bodies or not run.held_back.keep(event):
                draft.record(event)

    def failed(
        self, at_ns: int, error: BaseException, run_id: UUID, kwargs: Mapping[str, Any]
    ) -> None:
        """A run was left by an exception, which may be control flow."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        status = status_of(error)
        with run.recorder.draft() as draft:
            late = _late_input(draft, run, kwargs)
            heard = _heard_so_far(draft, run) if run.root_of_turn else ()
            interrupts = interrupts_of(error) if status == "interrupted" else []
            given = handed_over(error) if status == "ok" else None
            draft.record(
                SpanEnded(
                    run.turn,
                    run.span,
                    at_ns,
                    status,
                    failure_of(error, status),
                    refs_of(messages_of_step(given), draft) or None if given else None,
                    detail=Detail(attributes=attributes_of(interrupts)) if interrupts else None,
                    late_messages=late[0],
                    late_words=late[1],
                    heard=heard,
                    before=run.held_back.take(),
                    asked=tuple(questions_asked(interrupts, draft)),
                ),
                last=run.root_of_turn,
            )

    def paused(self, event: object) -> None:
        """A graph stopped at a breakpoint; its run ends right after."""
        pause = static_pause(event)
        run_id = getattr(event, "run_id", None)
        run = self._runs.find(run_id) if pause is not None and isinstance(run_id, UUID) else None
        if run is not None:
            run.paused = pause

    def first_chunk(self, at_ns: int, run_id: UUID) -> None:
        """The first chunk of an answer arrived."""
        run = self._runs.find(run_id)
        if run is not None and run.recorded and not run.off:
            with run.recorder.draft() as draft:
                draft.record(FirstChunk(run.turn, run.span, at_ns))

    def heard_so_far(self, at_ns: int, run_id: UUID, heard: Heard) -> None:
        """More of an answer arrived."""
        text = heard.worth_telling(at_ns)
        run = self._runs.find(run_id) if text else None
        if text and run is not None and run.recorded and not run.off:
            with run.recorder.draft() as draft:
                said = draft.seal(text_body(ASSISTANT, text))
                draft.record(HeardSoFar(run.turn, run.span, at_ns, said))

    def model(self, at_ns: int, response: LLMResult, run_id: UUID) -> None:
        """A model answered."""
        run = self._runs.end(run_id)
        if run is not None and run.recorded:
            run.calls.pop(run_id.int, None)
            with run.recorder.draft() as draft:
                messages, detail = _answers(draft, response)
                event = _ended(run, at_ns, messages, detail)
                draft.record(event, last=run.root_of_turn)

    def model_failed(
        self, at_ns: int, error: BaseException, run_id: UUID, response: object
    ) -> None:
        """A model failed; `response` may hold what it had said so far."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        run.calls.pop(run_id.int, None)
        status = status_of(error)
        with run.recorder.draft() as draft:
            messages: tuple[Ref, ...] | None = None
            detail: Detail | None = None
            if isinstance(response, LLMResult):
                messages, detail = _answers(draft, response, partial=True)
            failure = failure_of(error, status)
            event = _ended(run, at_ns, messages, detail, status, failure)
            draft.record(event, last=run.root_of_turn)

    @never_raises
    def cut_off(self, run_id: UUID) -> None:
        """The task of a call ended, and the call with it, without a word."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        run.calls.pop(run_id.int, None)
        with run.recorder.draft() as draft:
            said = "".join(run.heard)
            messages = ((draft.seal_text(said, ASSISTANT), None),) if said else None
            detail = Detail(partial=True) if said else None
            event = _ended(run, now_ns(), messages, detail, "cancelled")
            draft.record(event, last=run.root_of_turn)

    def tool(self, at_ns: int, output: object, run_id: UUID) -> None:
        """A tool returned: a message, a Command that holds one, or any value."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        with run.recorder.draft() as draft:
            answers = [m for m in messages_of_step(output) if isinstance(m, ToolMessage)]
            messages = refs_of(answers, draft) or None
            detail = _beside_words(answers[0]) if messages else Detail(result=json_of(output))
            event = _ended(run, at_ns, messages, detail)
            draft.record(event, last=run.root_of_turn)

    def retriever(self, at_ns: int, documents: Sequence[Document], run_id: UUID) -> None:
        """A retriever found documents."""
        run = self._runs.end(run_id)
        if run is None or not run.recorded:
            return
        with run.recorder.draft() as draft:
            found = tuple(_document(draft, document) for document in documents)
            event = _ended(run, at_ns, None, Detail(documents=found))
            draft.record(event, last=run.root_of_turn)

    def custom_event(self, at_ns: int, name: str, metadata: dict[str, Any], run_id: UUID) -> None:
        """The application dispatched an event of its own inside a run."""
        run = self._runs.find(run_id)
        if run is not None and not run.off:
            event = Event(
                id=str(uuid7()),
                at_ns=at_ns,
                name=str(name),
                metadata=plain(metadata),
                turn_id=turn_id_of(run),
                run_id=str(UUID(bytes=run.span)),
            )
            with run.recorder.draft() as draft:
                draft.record(Noted(event))


def _ended(
    run: LiveRun,
    at_ns: int,
    messages: tuple[Ref, ...] | None,
    detail: Detail | None,
    status: str = "ok",
    failure: tuple[str, str] | None = None,
) -> SpanEnded:
    before = run.held_back.take()
    return SpanEnded(
        run.turn, run.span, at_ns, status, failure, messages, detail=detail, before=before
    )


def _record_root_end(
    draft: Draft, at_ns: int, run: LiveRun, outputs: object, kwargs: Mapping[str, Any]
) -> None:
    late = _late_input(draft, run, kwargs)
    output = read_output(outputs, run.list_key)
    texts = tuple([draft.seal_text(text, ASSISTANT) for text in output.texts])
    answer = None if output.answer is None else draft.seal_text(output.answer, ASSISTANT)
    status, detail = _pause_of(run)
    draft.record(
        SpanEnded(
            run.turn,
            run.span,
            at_ns,
            status,
            detail=detail,
            messages=refs_of(output.messages, draft) or None,
            texts=texts,
            answer=answer,
            late_messages=late[0],
            late_words=late[1],
            heard=_heard_so_far(draft, run) if run.calls and run.root_of_turn else (),
            before=run.held_back.take(),
        ),
        last=run.root_of_turn,
    )


def _pause_of(run: LiveRun) -> tuple[str, Detail | None]:
    """How a run ended that returned: a graph may have stopped at a breakpoint."""
    if run.paused is None:
        return "ok", None
    return "interrupted", Detail(attributes=json_of({"paused": run.paused}))


def _heard_so_far(draft: Draft, root: LiveRun) -> tuple[tuple[bytes, bytes], ...]:
    """What model calls beneath a root have said when it ends before them; they may never end."""
    said = [(call.span, "".join(call.heard)) for call in list(root.calls.values())]
    return tuple((span, draft.seal_text(words, ASSISTANT)) for span, words in said if words)


def _late_input(
    draft: Draft, run: LiveRun, kwargs: Mapping[str, Any]
) -> tuple[tuple[Ref, ...] | None, tuple[bytes, ...]]:
    """A streamed root's start carries a placeholder; its real input comes with its end."""
    if run.streams and run.reads_messages and "inputs" in kwargs:
        return read_root_input(kwargs["inputs"], run, draft)
    return None, ()


def _answers(
    draft: Draft, response: LLMResult, *, partial: bool = False
) -> tuple[tuple[Ref, ...], Detail]:
    choices = response.generations[0] if response.generations else []
    if partial:
        choices = [choice for choice in choices if _says_something(choice)]
    messages: list[Ref] = []
    first: object = None
    info: Mapping[str, Any] | None = None
    for choice in choices:
        message = getattr(choice, "message", None)
        if is_message(message):
            messages.extend(refs_of([message], draft))
        else:
            messages.append((draft.seal(text_body(ASSISTANT, choice.text)), None))
        if first is None:
            first, info = message or choice, choice.generation_info
    output: Mapping[str, Any] | None = response.llm_output
    detail = Detail(
        model=model_of(first, output),
        usage=usage_of(first, output),
        finish_reason=finish_reason_of(first, info),
        partial=partial,
    )
    return tuple(messages), detail


def _beside_words(answer: ToolMessage) -> Detail | None:
    artifact = answer.artifact
    return None if artifact is None else Detail(attributes=artifact_json(artifact))


def _says_something(choice: object) -> bool:
    """A call that failed before its first word answers with an empty message, which nobody said."""
    message = getattr(choice, "message", choice)
    content = getattr(message, "content", None) or getattr(message, "text", None)
    return bool(content or getattr(message, "tool_calls", None))


def _document(draft: Draft, document: Document) -> DocumentRef:
    metadata = document.metadata
    score = metadata.get("score", metadata.get("relevance_score"))
    return DocumentRef(
        digest=draft.seal_text(document.page_content),
        id=None if document.id is None else str(document.id),
        score=float(score) if isinstance(score, int | float) else None,
        metadata=json_of(metadata) if metadata else None,
    )
