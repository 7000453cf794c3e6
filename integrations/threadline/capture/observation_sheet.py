"""The tool observations of a turn as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadline.capture.message_sheet import CONTEXT
from threadline.capture.span_sheet import packed
from threadline.store.values import encode_json

if TYPE_CHECKING:
    from threadline.capture.message_sheet import MessageSheet
    from threadline.capture.observations import Observed
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.sayings import Transcript
    from threadline.store.rows import Rows


class ObservationSheet:
    """Writes the tool observations of one turn into `rows`."""

    def __init__(self, turn: OpenTurn, rows: Rows, messages: MessageSheet, *, row: int) -> None:
        self._turn = turn
        self._rows = rows
        self._messages = messages
        self._row = row

    def add(self, transcript: Transcript, observed: list[Observed]) -> None:
        """Add the rows of all observations."""
        for n, one in enumerate(observed):
            first, last = (one.runs[0], one.runs[-1]) if one.runs else (None, None)
            call_at = (
                None
                if one.call_digest is None
                else self._messages.where(one.call_digest, transcript)
            )
            result_at, result = self._observed_result(one, transcript)
            end = None if last is None else last.end
            self._rows.observations.append(
                (
                    self._row,
                    n,
                    one.name,
                    one.outcome,
                    one.call_id,
                    call_at,
                    result_at,
                    self._observed_arguments(one),
                    result,
                    None
                    if end is None or end.failure is None
                    else encode_json(end.failure).decode(),
                    None if first is None else first.start.at_ns - self._turn.started_ns,
                    None if end is None else end.at_ns - self._turn.started_ns,
                    ",".join(str(run.n) for run in one.runs) or None,
                    None if one.decision is None else encode_json(one.decision).decode(),
                )
            )

    def _observed_arguments(self, one: Observed) -> str | None:
        """Only where the run was given others than the call names, as a human's edit makes it."""
        if not one.runs:
            return None
        detail = one.runs[-1].start.detail
        if detail is None or detail.arguments is None:
            return None
        if one.call is not None and msgspec.json.decode(detail.arguments) == _as_json(
            one.call.arguments
        ):
            return None
        return bytes(packed(detail.arguments, self._rows.shelf)).decode()

    def _observed_result(
        self, one: Observed, transcript: Transcript
    ) -> tuple[int | None, str | None]:
        if one.result is not None:
            position = self._messages.where(one.result[0], transcript)
            if position is None:
                position = self._messages.add(one.result, CONTEXT)
            return position, None
        for run in reversed(one.runs):
            detail = None if run.end is None else run.end.detail
            if detail is not None and detail.result is not None:
                return None, bytes(packed(detail.result, self._rows.shelf)).decode()
        return None, None


def _as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))
