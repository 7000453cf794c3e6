"""Model calls: an agent's own, a generator component's, and those inside other components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import Detail
from threadline.haystack import names
from threadline.haystack.messages import refs_by, refs_of
from threadline.haystack.runs import Outcome, end_alone, ended, hold_start, tell_end, tell_start
from threadline.haystack.shapes import is_list, is_mapping, messages_in
from threadline.haystack.streaming import listening
from threadline.haystack.usage import detail_of
from threadline.model.message import ASSISTANT, USER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from haystack.dataclasses import ChatMessage

    from threadline.capture.events import Ref, SpanEnded
    from threadline.capture.recorder import Draft
    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun
    from threadline.haystack.talk import Talk

_NO_PARAMETERS: Final = frozenset(
    {"messages", "prompt", "tools", "streaming_callback", "generation_kwargs", "tools_strict"}
)


class StepCalls:
    """Reads the model call of an agent's step."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """The model is about to be called."""
        del tags
        run.kind, run.name = "llm", "llm"
        run.talk = run.talk_around

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It was given its input, or answered."""
        if key == names.STEP_LLM_OUTPUT:
            run.output = value
        elif key == names.STEP_LLM_INPUT and run.recorder is not None:
            start_call(run, value, self._answers)
            callback: Any = value.get("streaming_callback")
            if callback is not None:
                # the agent makes this dict for this one call
                value["streaming_callback"] = listening(callback, lambda: run)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """It answered or failed."""
        if run.recorder is not None:
            end_call(run, at_ns, error, self._answers)


class InnerCalls:
    """Reads model calls that other components make for themselves, such as rankers.

    Beneath a model call they are its attempts: it speaks for them, and counts their tokens.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """The model is about to be called."""
        run.name = str(tags.get(names.COMPONENT_NAME) or "llm")
        if run.parent is not None and run.parent.kind == "llm":
            hold_start(run)
        else:
            run.kind = "llm"

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It was given its input, or answered."""
        if run.kind != "llm":
            return
        if key == names.COMPONENT_OUTPUT:
            run.output = value
        elif key == names.COMPONENT_INPUT:
            start_call(run, value, self._answers, internal=True)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """It answered or failed."""
        if run.kind == "llm":
            end_call(run, at_ns, error, None)
        else:
            end_alone(run, at_ns, error)


def start_call(run: LiveRun, inputs: Any, answers: Answers, *, internal: bool = False) -> None:
    """Record that a model was called with `inputs`."""
    if run.recorder is None:
        return
    fields: Mapping[str, Any] = inputs if is_mapping(inputs) else {}
    with run.recorder.draft() as draft:
        messages: tuple[Ref, ...] = ()
        before: tuple[SpanEnded, ...] = ()
        aside: tuple[bytes, ...] = ()
        if run.shows:
            prompt = messages_in(fields.get("messages"))
            before = () if run.talk is None else settle_step(run.talk, prompt, draft)[0]
            messages = refs_of(prompt, draft, answers) or _text_prompt(fields, draft)
            aside = _made_up(run.talk, prompt, messages)
        detail = Detail(
            parameters=_request(run, fields, draft),
            prompt=_prompt_of(run, draft),
            aside=aside,
            internal=internal,
        )
        tell_start(run, draft, messages=messages, detail=detail, before=before)


def end_call(
    run: LiveRun, at_ns: int, error: BaseException | None, answers: Answers | None
) -> None:
    """Record what a model said; `answers` remembers it where it may be said to somebody."""
    if run.recorder is None:
        return
    output: Mapping[str, Any] = run.output if is_mapping(run.output) else {}
    replies = output.get("replies")
    said = messages_in(replies)
    if answers is not None:
        _remember(run, said, answers)
    with run.recorder.draft() as draft:
        messages, detail = _answer(run, said, replies, output, draft)
        tell_end(run, draft, at_ns, error, Outcome(messages, detail=detail))


def settle_step(
    talk: Talk, messages: Sequence[ChatMessage], draft: Draft, *, at_the_end: bool = False
) -> tuple[tuple[SpanEnded, ...], str | None]:
    """Return the end of the step before, now that its tools' messages are seen.

    At the end of the agent's run also the answer that a hook put in place of the model's.
    """
    waiting, talk.waiting = talk.waiting, None
    results = talk.take_results(messages)
    own = talk.take_own_words(messages) if at_the_end else None
    if waiting is None:
        return (), None
    refs = refs_of([*results, own] if own is not None else results, draft)
    end = ended(waiting.step, waiting.at_ns, None, messages=refs or None)
    return (end,), None if own is None else own.text


def _remember(run: LiveRun, said: Sequence[ChatMessage], answers: Answers) -> None:
    ids = _ids_of(run, said)
    for reply, framework_id in zip(said, ids, strict=True):
        answers.remember(reply, framework_id)
    if run.talk is not None:
        run.talk.hear(said, ids)
    elif said and run.parent is not None:
        run.parent.last_answer = list(said[:1])


def _ids_of(run: LiveRun, said: Sequence[ChatMessage]) -> list[str]:
    name = run.framework_id
    return [f"{name}-{index}" if index else name for index in range(len(said))]


def _answer(
    run: LiveRun,
    said: Sequence[ChatMessage],
    replies: object,
    output: Mapping[str, Any],
    draft: Draft,
) -> tuple[tuple[Ref, ...] | None, Detail]:
    """What came back: messages, texts of a completion model, or what was heard until it failed."""
    meta: Any = said[0].meta if said else output.get("meta")
    detail = detail_of(meta[0] if is_list(meta) and meta else meta)
    if not run.shows:
        return None, detail
    if said:
        return refs_by(_ids_of(run, said), said, draft), detail
    if is_list(replies):
        texts = [text for text in replies if isinstance(text, str)]
        return tuple((draft.seal_text(text, ASSISTANT), None) for text in texts), detail
    heard = "".join(run.heard)
    if not heard:
        return None, detail
    return ((draft.seal_text(heard, ASSISTANT), None),), Detail(partial=True)


def _text_prompt(fields: Mapping[str, Any], draft: Draft) -> tuple[Ref, ...]:
    prompt = fields.get("prompt")
    return ((draft.seal_text(prompt, USER), None),) if isinstance(prompt, str) else ()


def _made_up(
    talk: Talk | None, prompt: Sequence[ChatMessage], refs: tuple[Ref, ...]
) -> tuple[bytes, ...]:
    """Which messages of an agent's first prompt nobody said."""
    made_up = [] if talk is None else talk.take_changes(prompt)
    if not made_up:
        return ()
    ids = {id(message) for message in made_up}
    return tuple(ref[0] for one, ref in zip(prompt, refs, strict=True) if id(one) in ids)


def _prompt_of(run: LiveRun, draft: Draft) -> bytes | None:
    made = run.parent.prompt if run.parent is not None else None
    return None if made is None or not run.shows else draft.seal_json(made)


def _request(run: LiveRun, fields: Mapping[str, Any], draft: Draft) -> bytes | None:
    """Seal parameters and tool definitions; an agent's are the same at every step."""
    tools, kwargs = fields.get("tools"), fields.get("generation_kwargs")
    offered: list[Any] = list(tools) if tools else []
    talk = run.talk
    known = _sealed_before(talk, offered, kwargs)
    if known in draft.journal.known:
        return known
    request: dict[str, Any] = {}
    if kwargs and is_mapping(run.visible(kwargs)):
        request["parameters"] = dict(kwargs)
    if offered:
        request["tools"] = [_definition(tool) for tool in offered]
    if not request:
        return None
    digest = draft.seal_value(request)
    if talk is not None:
        talk.request = (offered, kwargs, digest)
    return digest


def _sealed_before(talk: Talk | None, offered: list[Any], kwargs: Any) -> bytes | None:
    request = None if talk is None else talk.request
    if request is None or request[1] is not kwargs or not _are_same(request[0], offered):
        return None
    return request[2]


def _definition(tool: Any) -> dict[str, Any]:
    return {
        "name": getattr(tool, "name", type(tool).__name__),
        "description": getattr(tool, "description", None),
        "parameters": getattr(tool, "parameters", None),
    }


def _are_same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(map(_is, one, other))


def _is(one: object, other: object) -> bool:
    return one is other
