"""A turn: what the user said, what came back, and all between."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from threadline.actions import act
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import ASSISTANT, USER, Message
from threadline.model.shown import Shown
from threadline.model.span import Document, Failure, Span

if TYPE_CHECKING:
    from threadline.model.difference import Difference


class Status(enum.StrEnum):
    """How a turn ended.

    `stopped`: the consumer left a stream early. `cancelled`: its task was. `interrupted`: it
    waits for a human. `abandoned`: the process died, or the run never ended.
    """

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    ABANDONED = "abandoned"


Outcome = Literal[
    "ok", "error", "cancelled", "interrupted", "running", "unknown_tool", "rejected", "not_run"
]


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a human decided about a tool call, or that the call waits for it.

    `respond`: the human answered in the tool's place. `message` are their words; of an edit, the
    observation's `arguments` tell what came of it.
    """

    kind: Literal["awaited", "approve", "edit", "reject", "respond"]
    message: str | None = None
    interrupt_id: str | None = None


class ToolObservation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="tool_observation",
):
    """One tool execution, tied to the tool call that asked for it.

    A model requests a tool call; the application executes it. `call_id` joins the two and is
    None when the tool ran without any model asking. `span_ids` holds every attempt, in order;
    it is empty for a result that no tool run produced. `decision` tells of a human's part in it.
    """

    id: str
    name: str
    outcome: Outcome
    call_id: str | None = None
    thought: str | None = None
    arguments: Any = None
    result: Any = None
    error: Failure | None = None
    decision: Decision | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    span_ids: tuple[str, ...] = ()
    turn_id: str | None = None
    message_id: str | None = None

    @property
    def duration_ns(self) -> int | None:
        """How long it ran, all attempts together; None if it did not run or has not ended."""
        if self.started_ns is None or self.ended_ns is None:
            return None
        return max(0, self.ended_ns - self.started_ns)


class Retrieval(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="retrieval",
):
    """What a turn looked up: the question put to a retriever and the documents it found."""

    span_id: str
    name: str
    query: str = ""
    documents: tuple[Document, ...] = ()


class Turn(
    Shown,
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="turn",
    dict=True,
):
    """One exchange: one root run, or all root runs inside one `threadline.turn(...)`.

    `kind` is `trace` for what is kept out of the transcript: side calls, and roots without a
    model call and without an answer. `branches_from` is the id of the message behind which the
    turn goes another way than the conversation had gone; empty where it begins anew.
    `request_span` is the span of OpenTelemetry that it began in, as a W3C `traceparent`.
    """

    id: str
    thread_id: str
    status: Status
    started_ns: int
    ended_ns: int | None = None
    kind: Literal["turn", "trace"] = "turn"
    tenant: str | None = None
    name: str | None = None
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    continues: str | None = None
    branches_from: str | None = None
    error: Failure | None = None
    request_span: str | None = None
    app: str | None = None
    environment: str | None = None
    release: str | None = None
    messages: tuple[Message, ...] = ()
    tool_observations: tuple[ToolObservation, ...] = ()
    spans: tuple[Span, ...] = ()
    ratings: tuple[Rating, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def store_path(self) -> str | None:
        """The file that it was read from; empty for a store in memory, None for a turn of none."""
        return vars(self).get(_STORE_PATH)

    @property
    def llm_calls(self) -> tuple[Span, ...]:
        """The model calls of this turn, in the order they started."""
        return tuple(span for span in self.spans if span.kind == "llm")

    @property
    def retrievals(self) -> tuple[Retrieval, ...]:
        """What was looked up in this turn, in the order it was asked."""
        return tuple(
            Retrieval(
                span_id=span.id, name=span.name, query=span.query or "", documents=span.documents
            )
            for span in self.spans
            if span.kind == "retriever"
        )

    @property
    def input(self) -> str:
        """The user's words of this turn."""
        return "\n".join(m.text for m in self.messages if m.role == USER)

    @property
    def output(self) -> str:
        """The answer: the last thing the assistant said in words."""
        said = [m.text for m in self.messages if m.role == ASSISTANT and m.text]
        return said[-1] if said else ""

    @property
    def duration_ns(self) -> int | None:
        """How long the turn took; None while it runs."""
        return None if self.ended_ns is None else max(0, self.ended_ns - self.started_ns)

    def diff(self, other: Turn) -> Difference:
        """Compare with another turn: words, tools, and what each model call was sent and said."""
        return act("diff_turns", self, other)

    def rate(self, value: float | str, comment: str | None = None, *, name: str = "rating") -> str:
        """Judge this turn in the store that it was read from, as `threadline.rate` does.

        Args:
            value: -1, 0 or 1 for thumbs; with a `name` of its own any number or any label.
            comment: Why.
            name: What is judged, such as `helpfulness`.

        Returns:
            The id of the rating; the turn itself stays as it was read.

        Raises:
            ArgumentError: if a thumb is not -1, 0 or 1.
        """
        return act("rate", self, value, name=name, comment=comment)


_STORE_PATH: Final = "_store_path"


def read_from(turn: Turn, path: str) -> Turn:
    """Let a turn know the store that it was just read from; a copy with changes forgets it."""
    vars(turn)[_STORE_PATH] = path
    return turn
