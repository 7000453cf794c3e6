"""Listening to a streamed answer: a callback beside the application's own."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import FirstChunk, HeardSoFar
from threadline.capture.guard import never_raises
from threadline.capture.heard import CHUNKS_IN_A_ROW
from threadline.clock import now_ns
from threadline.haystack.shapes import is_dict, is_mapping
from threadline.model.message import ASSISTANT, text_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from threadline.haystack.runs import LiveRun

_MOST_CHUNKS: Final = 512
_CALLBACK: Final = "streaming_callback"
_MARK: Final = "__threadline_listens_to__"


class Listener:
    """Hears what a component of a pipeline streams; the model call that is running is set later."""

    __slots__ = ("_callback", "_inputs", "run")

    def __init__(self, inputs: dict[str, Any], callback: Any) -> None:
        self._inputs, self._callback = inputs, callback
        self.run: LiveRun | None = None
        inputs[_CALLBACK] = listening(callback, lambda: self.run)

    def give_back(self) -> None:
        """Put the application's own callback where it was: the dict may be used again."""
        self._inputs[_CALLBACK] = self._callback


def listen_in(data: object) -> dict[str, Listener]:
    """Listen to every component that a pipeline was given a callback for.

    It is heard in asynchronous runs, streams among them. In synchronous ones Haystack has copied
    the inputs when it tells its tracer of them (since 3.1), and the copies are shown to nobody.
    """
    given = list(callbacks_in(data))
    return {name: Listener(inputs, callback) for name, inputs, callback in given}


def callbacks_in(data: object) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield the callbacks among the inputs of a pipeline: component, its inputs, the callback."""
    for name, inputs in data.items() if is_mapping(data) else ():
        if is_dict(inputs) and (callback := inputs.get(_CALLBACK)) is not None:
            yield name, inputs, getattr(callback, _MARK, callback)


def listening(callback: Any, speaker: Callable[[], LiveRun | None]) -> Any:
    """Return a callback of the same kind that also lets us hear each chunk.

    Args:
        callback: The application's own; what it raises is its own affair.
        speaker: Tells the model call that speaks.
    """

    @never_raises
    def hear(chunk: Any) -> None:
        run = speaker()
        if run is not None and not run.ended:
            _hear(run, str(getattr(chunk, "content", "") or ""))

    if inspect.iscoroutinefunction(callback):

        @functools.wraps(callback)
        async def beside_async(chunk: Any) -> Any:
            hear(chunk)
            return await callback(chunk)

        setattr(beside_async, _MARK, callback)
        return beside_async

    @functools.wraps(callback, updated=())
    def beside(chunk: Any) -> Any:
        hear(chunk)
        return callback(chunk)

    setattr(beside, _MARK, callback)
    return beside


def _hear(run: LiveRun, words: str) -> None:
    if not run.heard:
        _first_chunk(run)
    run.heard.append(words)
    if len(run.heard) % CHUNKS_IN_A_ROW == 0:
        _heard_so_far(run)
    if len(run.heard) > _MOST_CHUNKS:
        run.heard[:] = ["".join(run.heard)]


def _first_chunk(run: LiveRun) -> None:
    if run.recorder is not None:
        with run.recorder.draft() as draft:
            draft.record(FirstChunk(run.turn, run.span, now_ns()))


def _heard_so_far(run: LiveRun) -> None:
    at_ns = now_ns()
    text = run.visible(run.heard.worth_telling(at_ns))
    if text and run.recorder is not None:
        with run.recorder.draft() as draft:
            said = draft.seal(text_body(ASSISTANT, text))
            draft.record(HeardSoFar(run.turn, run.span, at_ns, said))
