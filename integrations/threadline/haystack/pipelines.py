"""Pipeline runs: the roots of most turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.haystack import identity as who
from threadline.haystack import names
from threadline.haystack.inputs import read_input, read_output
from threadline.haystack.messages import refs_of, refs_of_rewritten
from threadline.haystack.runs import Outcome, hold_start, name_turn, tell_end, tell_start
from threadline.haystack.shapes import is_mapping
from threadline.haystack.visibility import visible
from threadline.ids import turn_key
from threadline.model.message import ASSISTANT, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.capture.events import Identity
    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun


class PipelineRuns:
    """Reads runs of pipelines."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A pipeline began; its whole input is among its tags."""
        run.kind, run.name = "workflow", "pipeline"
        data = tags.get(names.PIPELINE_INPUT)
        told = who.told_by(data, tags.get(names.PIPELINE_METADATA))
        run.connectors = told.connectors
        run.streams = _is_streamed(data)
        run.output = tags.get(names.PIPELINE_OUTPUT)  # up to 3.0 it is filled while the run goes on
        if told.mode == "off":
            run.drop()
            return
        identity = _identity(run, told)
        if run.recorder is None or (identity is None and not run.is_root):
            hold_start(run)
            return
        run.reads = True
        given = read_input(visible(data), told.connectors)
        with run.recorder.draft() as draft:
            messages = refs_of(given.messages, draft, self._answers) or None
            words = tuple(draft.seal_text(text, USER) for text in given.words)
            tell_start(run, draft, identity=identity, messages=messages, words=words)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """It returned."""
        if key == names.PIPELINE_OUTPUT:
            run.output = value

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """A pipeline ended."""
        if run.recorder is None:
            return
        with run.recorder.draft() as draft:
            if not run.reads or error is not None:
                if run.streams and type(error).__name__ == "CancelledError":
                    error = GeneratorExit()  # whoever leaves a stream cancels the run inside it
                tell_end(run, draft, at_ns, error)
                return
            output = read_output(visible(run.output), run.connectors, run.talks)
            said = output.messages or ([] if output.answer else run.last_answer)
            answer = output.answer
            rewritten = [pair for talk in run.talks.values() for pair in talk.rewritten]
            before = refs_of_rewritten(run.framework_id, rewritten, draft)
            outcome = Outcome(
                (*before, *refs_of(said, draft, self._answers)) or None,
                tuple(draft.seal_text(text, ASSISTANT) for text in output.texts),
                None if answer is None else draft.seal_text(answer, ASSISTANT),
            )
            tell_end(run, draft, at_ns, None, outcome)


def _identity(run: LiveRun, told: who.Told) -> Identity | None:
    if not run.is_root:
        return who.identity_of_child(run, told)
    if told.turn_id is not None:
        run.turn_id = told.turn_id
        name_turn(run, turn_key(told.turn_id))
    return who.identity_of_root(run, told)


def _is_streamed(data: object) -> bool:
    """Tell whether a run was begun by `Pipeline.stream`, which puts callbacks of its own in."""
    return any(
        getattr(value, "__qualname__", "").startswith("Pipeline.stream.")
        for inputs in (data.values() if is_mapping(data) else ())
        if is_mapping(inputs) and (value := inputs.get("streaming_callback")) is not None
    )
