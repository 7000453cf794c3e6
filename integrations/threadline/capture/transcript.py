"""What the transcript of a turn is: each thing said, once, in order.

History is judged by position in the root's own input and by what the conversation holds, never by
text; `docs/recorded.md` tells the rules in words. Pure: nothing here touches the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.capture.history import prelude_of, words_of
from threadline.capture.interrupts import questions_of, resumed_with, without_repeats
from threadline.capture.logged import logged_transcript
from threadline.capture.main_line import MainLine
from threadline.capture.message_list import MessageList, steps_with_messages
from threadline.capture.sayings import Reading, Saying, Transcript
from threadline.model.message import ASSISTANT, SYSTEM, USER

if TYPE_CHECKING:
    from threadline.capture.open_turn import OpenSpan

_ASKED = frozenset({USER, SYSTEM})


def read_transcript(reading: Reading) -> Transcript:
    """Return the transcript of a turn."""
    if reading.turn.logged is not None:
        return logged_transcript(reading.turn.logged, reading)
    transcript = Transcript()
    for root in reading.turn.roots:
        if not root.internal:
            _read_root(root, reading, transcript)
    _settle_by_hand(reading, transcript)
    transcript.prelude = prelude_of(transcript, reading)
    return transcript


def _read_root(root: OpenSpan, reading: Reading, transcript: Transcript) -> None:
    calls = [call for call in reading.model_calls if call is root or root in call.ancestors()]
    resumed = resumed_with(root) is not None
    if _keeps_a_list(root):
        words = words_of(root, reading, calls[0] if calls else None)
        produced = MessageList(root, reading, calls, words).sayings()
        line = [s.span for s in produced if s.span is not None and s.span.kind == "llm"]
    else:
        main_line = MainLine(root, reading, calls)
        line = main_line.calls
        words = words_of(root, reading, line[0] if line else None)
        produced = main_line.sayings()
    produced = [saying for saying in produced if not reading.was_said(saying)]
    if resumed:
        produced = without_repeats(produced, words, reading)
    produced += questions_of(root, reading)
    if transcript.said:  # several roots: the first one's question, the last one's answer
        asked = [saying for saying in transcript.said if saying.role in _ASKED]
        words = [] if any(saying.role == USER for saying in asked) else words
        transcript.said = asked if produced else transcript.said
    transcript.said.extend([*words, *produced])
    transcript.calls.extend(line or calls)


def _keeps_a_list(root: OpenSpan) -> bool:
    if len(root.outputs) > 1:
        return True
    returned = root.end is not None and bool(root.end.texts or root.end.answer)
    return not root.outputs and not returned and bool(steps_with_messages(root))


def _settle_by_hand(reading: Reading, transcript: Transcript) -> None:
    """Input and output that the application gave to its turn are the transcript."""
    opened, closed = reading.turn.opened, reading.turn.closed
    if opened is not None and opened.words is not None:
        said = [saying for saying in transcript.said if saying.role not in _ASKED]
        transcript.said = [Saying(opened.words, None, USER, opened.at_ns), *said]
    if closed is not None and closed.answer is not None:
        said = [saying for saying in transcript.said if saying.role in _ASKED]
        by_id = [
            (call, i) for call in transcript.calls for d, i in call.outputs if d == closed.answer
        ]
        span, framework_id = by_id[-1] if by_id else (None, None)
        answer = Saying(closed.answer, framework_id, ASSISTANT, closed.at_ns, span)
        transcript.said = [*said, answer]
