"""Pipeline runs: the roots of most turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.haystack import identity as who
from threadline.haystack import names
from threadline.haystack.inputs import answerer_of, read_input, read_output
from threadline.haystack.messages import refs_by, refs_of, refs_of_rewritten
from threadline.haystack.runs import Outcome, hold_start, name_turn, tell_end, tell_start
from threadline.haystack.streaming import callbacks_in, listen_in
from threadline.ids import turn_key
from threadline.model.message import ASSISTANT, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.capture.events import Identity, Ref
    from threadline.capture.recorder import Draft
    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun
    from threadline.haystack.talk import Talk


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
        run.listeners = listen_in(data)
        identity = _identity(run, told)
        if run.recorder is None or (identity is None and not run.is_root):
            hold_start(run)
            return
        run.reads = True
        given = read_input(run.visible(data), told.connectors)
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
        for listener in run.listeners.values():
            listener.give_back()
        if run.recorder is None:
            return
        with run.recorder.draft() as draft:
            if run.streams and type(error).__name__ == "CancelledError":
                error = GeneratorExit()  # whoever leaves a stream cancels the run inside it
            outcome = self._outcome(run, draft, failed=error is not None)
            tell_end(run, draft, at_ns, error, outcome)

    def _outcome(self, run: LiveRun, draft: Draft, *, failed: bool) -> Outcome:
        """What a pipeline returned; of one that failed, what its agent had said by then."""
        if not run.reads or not run.shows:
            return Outcome()
        rewriting = [talk for talk in run.talks.values() if talk.rewritten]
        pairs = [pair for talk in rewriting for pair in talk.rewritten]
        before = refs_of_rewritten(run.framework_id, pairs, draft)
        if failed:
            talk = run.talks.get(answerer_of(run.talks) or "")
            return Outcome((*before, *_said_in(talk, draft)) or None)
        output = read_output(run.output, run.connectors, run.talks)
        answer = output.answer
        talk = output.talk or (rewriting[-1] if rewriting else None)
        said = _said_in(talk, draft)
        if talk is None:
            replies = output.messages or ([] if answer else run.last_answer)
            said = refs_of(replies, draft, self._answers)
        return Outcome(
            (*before, *said) or None,
            tuple(draft.seal_text(text, ASSISTANT) for text in output.texts),
            None if answer is None else draft.seal_text(answer, ASSISTANT),
        )


def _said_in(talk: Talk | None, draft: Draft) -> tuple[Ref, ...]:
    return () if talk is None else refs_by(talk.ids, talk.produced, draft)


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
        getattr(callback, "__qualname__", "").startswith("Pipeline.stream.")
        for _, _, callback in callbacks_in(data)
    )
