"""Turns that the application logged whole: what they said, and whether that is news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.capture.sayings import Saying, Transcript
from threadline.model.message import ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.capture.events import TurnLogged
    from threadline.capture.sayings import Reading
    from threadline.model.message import Body
    from threadline.store.held import Held


def logged_transcript(logged: TurnLogged, reading: Reading) -> Transcript:
    """Return the transcript of a logged turn: what the application says that it is."""
    said = [
        Saying(
            one.digest,
            one.framework_id,
            reading.role((one.digest, one.framework_id)),
            one.at_ns,
            partial=one.partial,
        )
        for one in logged.said
    ]
    prelude = [] if reading.held.has_begun else list(logged.prelude)
    return Transcript(said=said, prelude=prelude, is_logged=True)


def was_recorded(logged: TurnLogged | None, held: Held, find_body: Callable[[bytes], Body]) -> bool:
    """Tell whether a conversation holds an answer of this turn, which was recorded as it came."""
    return logged is not None and any(
        held.holds(one.framework_id, one.digest) and find_body(one.digest).role == ASSISTANT
        for one in logged.said
    )
