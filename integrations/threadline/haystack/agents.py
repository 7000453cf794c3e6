"""Agent runs, their steps, and the tools that they use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from threadline.capture.events import Detail
from threadline.capture.plain import json_of
from threadline.haystack import identity as who
from threadline.haystack import names
from threadline.haystack.control_flow import ending_of
from threadline.haystack.inputs import read_agent_input, structured_in
from threadline.haystack.messages import refs_by, refs_of, refs_of_rewritten
from threadline.haystack.model_calls import settle_step
from threadline.haystack.runs import Outcome, end_alone, hold_start, tell_end, tell_start
from threadline.haystack.shapes import is_mapping, messages_in
from threadline.haystack.talk import Talk, Waiting
from threadline.model.message import ASSISTANT, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun


class AgentRuns:
    """Reads runs of agents: roots of their own, or what an agent component does."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """An agent began; an agent component is one span with its agent."""
        del tags
        parent = run.parent
        if parent is not None and parent.operation == names.COMPONENT and parent.talk is not None:
            run.talk = parent.talk
            run.become_plumbing()
            return
        run.kind, run.name, run.talk = "agent", "agent", Talk()

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It was given its input, or returned."""
        if key == names.AGENT_OUTPUT:
            run.output = value
        elif key == names.AGENT_INPUT and not run.plumbing:
            start_agent(run, value, self._answers)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """An agent ended."""
        end_agent(run, at_ns, error)


class Steps:
    """Reads steps of agents: a model call, and the tools that it asked for."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A step began."""
        index = tags.get(names.STEP)
        run.name = f"step {index + 1}" if isinstance(index, int) else "step"
        run.talk = run.talk_around
        hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """Nothing is told of a step."""

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """A step ended; what its tools answered is seen only later."""
        if run.recorder is None:
            return
        if error is None and run.talk is not None and run.shows:
            run.talk.waiting = Waiting(run, at_ns)
            return
        end_alone(run, at_ns, error)


class StepTools:
    """Reads executions of tools."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A tool is about to be executed."""
        run.kind, run.name = "tool", str(tags.get(names.TOOL_NAME) or "tool")

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It was given its arguments, or returned, or failed."""
        if key == names.STEP_TOOL_INPUT:
            self._start(run, value)
        elif key == names.STEP_TOOL_OUTPUT:
            run.output = value
            if run.failure is None and is_mapping(value) and set(value) == {"error"}:
                run.failure = _failure_now()  # up to 3.3 no tag tells it
        elif key == names.TOOL_ERROR and value:
            run.failure = _failure_now() or ("ToolInvocationError", "")

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """A tool returned or failed."""
        if run.recorder is None:
            return
        has_result = error is None and run.failure is None and run.shows
        detail = Detail(result=json_of(_result_of(run.output))) if has_result else None
        end_alone(run, at_ns, error, Outcome(detail=detail))

    def _start(self, run: LiveRun, arguments: Any) -> None:
        talk = run.talk_around
        call_id = None if talk is None else talk.call_id_of(run.name, arguments)
        if run.recorder is None:
            return
        shown = json_of(arguments) if run.shows else None
        with run.recorder.draft() as draft:
            tell_start(run, draft, detail=Detail(call_id=call_id, arguments=shown))


def start_agent(run: LiveRun, value: Any, answers: Answers) -> None:
    """Record what an agent was given."""
    given = read_agent_input(run.visible(value))
    if run.talk is not None:
        run.talk.given = given.messages
    if run.recorder is None:
        return
    identity = None
    if run.is_root:
        identity = who.identity_of_root(run, who.Told())
    with run.recorder.draft() as draft:
        messages = refs_of(given.messages, draft, answers) or None
        words = tuple(draft.seal_text(text, USER) for text in given.words)
        tell_start(run, draft, identity=identity, messages=messages, words=words)


def end_agent(run: LiveRun, at_ns: int, error: BaseException | None) -> None:
    """Record what came of an agent: what was said in it, in the words it was said in first."""
    talk = run.talk
    if talk is None or run.recorder is None or run.plumbing:
        return
    if not run.shows:
        end_alone(run, at_ns, error)
        return
    output: Mapping[str, Any] = run.output if is_mapping(run.output) else {}
    with run.recorder.draft() as draft:
        last_step, own = settle_step(
            talk, messages_in(output.get("messages")), draft, at_the_end=True
        )
        rewritten = refs_of_rewritten(run.framework_id, talk.rewritten, draft)
        messages = (*rewritten, *refs_by(talk.ids, talk.produced, draft)) or None
        words = own or structured_in(output)
        answer = None if words is None else draft.seal_text(words, ASSISTANT)
        outcome = Outcome(messages, answer=answer, before=last_step)
        tell_end(run, draft, at_ns, error, outcome)


def _failure_now() -> tuple[str, str] | None:
    """Why a tool failed: Haystack tells its tracer while it handles the exception."""
    error = sys.exc_info()[1]
    if error is None or type(error).__name__ != "ToolInvocationError":
        return None
    return ending_of(error)[1]


def _result_of(output: Any) -> Any:
    """What a tool gave back; of an agent that is a tool, its last words."""
    if is_mapping(output):
        last = messages_in(output.get("last_message"))
        if last:
            return last[0].text
    return output
