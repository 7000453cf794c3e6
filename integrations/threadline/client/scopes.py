"""Scopes that applications open around their calls: a conversation, a turn, a pause."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import msgspec

from threadline.actions import act
from threadline.capture.events import (
    Detail,
    Identity,
    SpanEnded,
    SpanStarted,
    TurnClosed,
    TurnOpened,
)
from threadline.capture.guard import never_raises
from threadline.capture.plain import json_of
from threadline.capture.request_span import request_span
from threadline.capture.scope import Entered, Scope, current_scope, leave, leave_latest, paused
from threadline.client.defaults import default_client
from threadline.errors import ArgumentError
from threadline.ids import turn_key, uuid7
from threadline.model.message import Body
from threadline.model.parts import Part, TextPart, ToolCallPart, ToolCallResponsePart

if TYPE_CHECKING:
    from types import TracebackType

    from threadline.capture.losses import Losses
    from threadline.client.client import Client
    from threadline.model.conversation import Conversation
    from threadline.model.span import Usage


class conversation:  # noqa: N801 (used like a function)
    """Everything recorded inside belongs to this conversation, unless a call names another.

    Metadata and tags given here belong to the conversation, not to a turn.

    Args:
        thread_id: The application's own id of the conversation.
        user_id: Whose conversation it is.
        tags: Added to the conversation's tags.
        metadata: Added to the conversation's metadata; the last writer of a key wins.

    Raises:
        ArgumentError: if the thread id is empty or not a text.

    Example:
        >>> with conversation("t-1", user_id="u-1") as scope:
        ...     scope.thread_id
        't-1'
    """

    def __init__(
        self,
        thread_id: str,
        *,
        user_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> None:
        self.thread_id = checked_id("thread_id", thread_id)
        self.turn_ids: list[str] = []
        self._client = client
        self._scope = Scope(
            thread_id=self.thread_id,
            user_id=None if user_id is None else checked_id("user_id", user_id),
            tags=tuple(str(tag) for tag in tags),
            metadata=json_of(dict(metadata)) if metadata else None,
            turn_ids=self.turn_ids,
        )
        self._entered: dict[int, Entered] = {}

    def __enter__(self) -> Self:
        mine = msgspec.structs.replace(self._scope, around=current_scope.get())
        self._entered[id(mine)] = (current_scope.set(mine), mine)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave_latest(current_scope, self._entered)

    @property
    def conversation(self) -> Conversation | None:
        """The conversation as it is stored now."""
        client = self._client or default_client()
        with client.reader() as reader:
            return reader.conversation(self.thread_id, tenant=client.settings.tenant)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show in a notebook what was recorded so far."""
        del include, exclude  # the front end takes what it can show
        found = self.conversation
        if found is None:
            return {"text/plain": f"conversation {self.thread_id!r}: nothing recorded yet"}
        return {"text/html": act("fragment", found), "text/plain": act("text", found)}


class turn:  # noqa: N801 (used like a function)
    """All calls inside are one turn: several invokes, any framework, or code of your own.

    Args:
        thread_id: The conversation; by default that of the surrounding scope.
        input: What the user said. It and `output` settle the transcript.
        name: What the turn is called in lists and traces.
        user_id: Whose turn it is.
        turn_id: An id of the application's choosing.
        tags: The turn's tags.
        metadata: The turn's metadata.

    Raises:
        ArgumentError: if an id is empty or not a text.
    """

    def __init__(
        self,
        *,
        thread_id: str | None = None,
        input: str | None = None,  # noqa: A002 (the word users know)
        name: str | None = None,
        user_id: str | None = None,
        turn_id: str | uuid.UUID | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> None:
        self.id = str(turn_id) if turn_id is not None else str(uuid7())
        self.output: str | None = None
        self.thread_id = None if thread_id is None else checked_id("thread_id", thread_id)
        self._client = client
        self._key = turn_key(checked_id("turn_id", self.id))
        self._input = input
        self._identity = Identity(
            thread_id=self.thread_id,
            user_id=None if user_id is None else checked_id("user_id", user_id),
            turn_id=self.id,
            name=name,
            tags=tuple(str(tag) for tag in tags),
            metadata=json_of(dict(metadata)) if metadata else None,
        )
        self._entered: Entered | None = None

    def __enter__(self) -> Self:
        before = current_scope.get()
        scope = Scope(
            thread_id=self.thread_id or (before.thread_id if before else None),
            user_id=self._identity.user_id or (before.user_id if before else None),
            turn=self._key,
            turn_id=self.id,
            around=before,
        )
        self._entered = (current_scope.set(scope), scope)
        if before is not None:
            before.turn_ids.append(self.id)
        self._open(before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._entered is not None:
            leave(current_scope, self._entered)
            self._entered = None
            self._close(error)

    def tool(
        self, name: str, arguments: Any = None, *, result: Any = None, error: str | None = None
    ) -> None:
        """Record that the application's own code used a tool.

        Args:
            name: The tool's name.
            arguments: What it was given; any JSON-like value.
            result: What it gave back.
            error: Why it failed, if it did.
        """
        detail = Detail(arguments=json_of(arguments))
        given = Detail(result=json_of(result)) if result is not None else None
        failure = None if error is None else ("Error", error)
        self._span("tool", name, detail, SpanEnded(b"", b"", 0, detail=given, failure=failure))

    def llm_call(
        self,
        messages: Sequence[Mapping[str, Any]],
        answer: str | Mapping[str, Any],
        *,
        model: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Record that the application's own code called a model.

        Args:
            messages: The prompt, as OpenAI-like dicts of `role` and `content`.
            answer: What the model said.
            model: Its name.
            usage: What it counted.

        Raises:
            ArgumentError: if a message has no role.
        """
        said = answer if isinstance(answer, Mapping) else {"role": "assistant", "content": answer}
        bodies = [_body_of_dict(message) for message in messages]
        end = SpanEnded(b"", b"", 0, detail=Detail(model=model, usage=usage))
        self._span("llm", model or "model", Detail(model=model), end, bodies, _body_of_dict(said))

    @property
    def _losses(self) -> Losses:
        return (self._client or default_client()).losses

    @never_raises
    def _open(self, before: Scope | None) -> None:
        identity = self._identity
        if before is not None:
            identity = _inherit(identity, before)
        client = self._client or default_client()
        if not client.settings.enabled or paused.get():
            return
        with client.recorder.draft() as draft:
            words = None if self._input is None else draft.seal_text(str(self._input), "user")
            identity = msgspec.structs.replace(identity, request_span=request_span())
            opened = TurnOpened(self._key, client.clock.now_ns(), identity, words)
            draft.record(opened, first=True)

    @never_raises
    def _close(self, error: BaseException | None) -> None:
        client = self._client or default_client()
        if not client.settings.enabled or paused.get():
            return
        status, failure = _ending_of(error)
        with client.recorder.draft() as draft:
            answer = None
            if self.output is not None:
                answer = draft.seal_text(str(self.output), "assistant")
            now = client.clock.now_ns()
            draft.record(TurnClosed(self._key, now, status, failure, answer), last=True)

    @never_raises
    def _span(
        self,
        kind: str,
        name: str,
        detail: Detail,
        end: SpanEnded,
        inputs: Sequence[Body] = (),
        output: Body | None = None,
    ) -> None:
        client = self._client or default_client()
        if not client.settings.enabled or paused.get():
            return
        run = uuid7().bytes
        now = client.clock.now_ns()
        with client.recorder.draft() as draft:
            messages = tuple((draft.seal(body), None) for body in inputs)
            start = SpanStarted(
                self._key, run, now, kind, name, messages=messages or None, detail=detail
            )
            draft.record(start)
        with client.recorder.draft() as draft:
            produced = None if output is None else ((draft.seal(output), None),)
            status = "ok" if end.failure is None else "error"
            draft.record(
                SpanEnded(self._key, run, now, status, end.failure, produced, detail=end.detail)
            )


class pausing:  # noqa: N801 (returned by `threadline.paused()`)
    """Nothing is recorded inside."""

    def __init__(self) -> None:
        self._entered: dict[int, Entered] = {}

    def __enter__(self) -> None:
        mine = Scope(around=paused.get())
        self._entered[id(mine)] = (paused.set(mine), mine)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        leave_latest(paused, self._entered)


def checked_id(argument: str, value: object) -> str:
    """Return `value` if it can be an id.

    Raises:
        ArgumentError: if it is no text, or an empty one.
    """
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, uuid.UUID) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise ArgumentError(argument, value, "a text that is not empty, a whole number or a UUID")


def status_of_exception(
    error: BaseException | None,
) -> Literal["ok", "error", "stopped", "cancelled"]:
    """Return how something ended that was left by `error`."""
    if error is None:
        return "ok"
    names = {cls.__name__ for cls in type(error).__mro__}
    if "CancelledError" in names:
        return "cancelled"
    return "stopped" if isinstance(error, GeneratorExit) else "error"


def failure_of(error: BaseException) -> tuple[str, str]:
    """Return the class and the words of an application's exception, which may have none to give."""
    try:
        words = str(error)[:_LONGEST_FAILURE]
    except Exception:  # noqa: BLE001 (an exception of the application's own)
        words = ""
    return type(error).__name__, words


_LONGEST_FAILURE: Final = 4_000


def _ending_of(error: BaseException | None) -> tuple[str, tuple[str, str] | None]:
    status = status_of_exception(error)
    return status, failure_of(error) if status == "error" and error is not None else None


def _inherit(identity: Identity, before: Scope) -> Identity:
    return Identity(
        thread_id=identity.thread_id,
        user_id=identity.user_id,
        scope_thread_id=before.thread_id,
        scope_user_id=before.user_id,
        turn_id=identity.turn_id,
        name=identity.name,
        tags=identity.tags,
        metadata=identity.metadata,
        conversation_tags=before.tags,
        conversation_metadata=before.metadata,
    )


def _body_of_dict(message: Mapping[str, Any]) -> Body:
    role = message.get("role")
    if not isinstance(role, str):
        raise ArgumentError(
            argument="messages", value=role, allowed="messages with a role and a content"
        )
    content = message.get("content")
    parts: list[Part] = []
    if role == "tool":
        return Body(role, (ToolCallResponsePart(content, message.get("tool_call_id")),))
    if content:
        parts.append(TextPart(content if isinstance(content, str) else json_of(content).decode()))
    for call in message.get("tool_calls") or ():
        function = call.get("function", call)
        parts.append(ToolCallPart(function["name"], function.get("arguments"), call.get("id")))
    return Body(role, tuple(parts))
