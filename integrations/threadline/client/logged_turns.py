"""A turn that is logged, as the one event that carries all of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from threadline.capture.events import (
    Detail,
    Identity,
    Ref,
    Said,
    SpanEnded,
    SpanStarted,
    TurnLogged,
)
from threadline.capture.plain import json_of
from threadline.ids import derived_uuid, turn_key
from threadline.model.message import TOOL, Body, Message
from threadline.model.parts import GenericPart, ToolCallResponsePart
from threadline.model.turn import Status, ToolObservation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.capture.recorder import Draft, Recorder
    from threadline.model.conversation import Conversation
    from threadline.model.turn import Turn

_RAN: Final = {"ok": "ok", "error": "error", "cancelled": "cancelled", "interrupted": "interrupted"}


class TurnIds:
    """Gives turns ids that follow from what was said, so that logging them again adds nothing.

    Nothing said can be guessed from them: they are made of digests under the store's key.

    Args:
        recorder: Has the key.
        thread_id: The conversation.
        at_ns: When it was said, where the application told one time for all of it.
    """

    def __init__(self, recorder: Recorder, thread_id: str, at_ns: int | None) -> None:
        self._recorder = recorder
        self._names = ("logged", thread_id, "" if at_ns is None else str(at_ns))
        self._seen: Counter[tuple[str, ...]] = Counter()

    def id_of(self, turn: Turn) -> str:
        """Return the id of `turn`; another one for a second turn that says the same."""
        said = [(m.body, m.at_ns) for m in turn.messages]
        said += [(_told_by(o), o.started_ns) for o in turn.tool_observations]
        names = tuple(
            f"{self._recorder.encoded_body(body)[0].hex()}@{at_ns}" for body, at_ns in said
        )
        self._seen[names] += 1
        return str(derived_uuid(*self._names, *names, str(self._seen[names])))


def logged_turn(
    turn: Turn, conversation: Conversation, draft: Draft, *, at_ns: int, ship: bool
) -> TurnLogged:
    """Return the event of one turn, with what it says sealed into `draft`.

    Args:
        turn: The turn, under the id that it is to have.
        conversation: What it is a part of.
        draft: The event in the making.
        at_ns: When it was said, as far as it does not tell itself.
        ship: Whether destinations learn of it.
    """
    began_ns = turn.started_ns or next((m.at_ns for m in turn.messages if m.at_ns), at_ns)
    said = tuple(_said(turn.messages, draft, began_ns))
    tools = tuple(_tools(turn, began_ns))
    last_ns = max([began_ns, turn.ended_ns or 0, *(one.at_ns for one in (*said, *tools))])
    failure = None if turn.error is None else (turn.error.type, turn.error.message)
    return TurnLogged(
        turn_key(turn.id),
        min([began_ns, *(one.at_ns for one in (*said, *tools))]),
        last_ns,
        _identity(turn, conversation),
        said,
        prelude=_prelude(turn, conversation, draft),
        tools=tools,
        status=(Status.ABANDONED if turn.status is Status.RUNNING else turn.status).value,
        failure=failure,
        generated=conversation.id_source == "generated",
        ships=ship,
    )


def _identity(turn: Turn, conversation: Conversation) -> Identity:
    return Identity(
        thread_id=conversation.thread_id,
        user_id=turn.user_id or conversation.user_id,
        turn_id=turn.id,
        name=turn.name,
        tags=turn.tags,
        metadata=json_of(turn.metadata) if turn.metadata else None,
        conversation_tags=conversation.tags,
        conversation_metadata=json_of(conversation.metadata) if conversation.metadata else None,
        side_call=turn.kind == "trace",
    )


def _prelude(turn: Turn, conversation: Conversation, draft: Draft) -> tuple[Ref, ...]:
    if turn is not conversation.turns[0]:
        return ()
    return tuple((draft.seal(m.body), m.framework_id) for m in conversation.prelude)


def _said(messages: tuple[Message, ...], draft: Draft, near_ns: int) -> Iterator[Said]:
    for message in messages:
        near_ns = near_ns if message.at_ns is None else message.at_ns
        digest = draft.seal(message.body)
        yield Said(digest, near_ns, message.framework_id, message.partial)


def _tools(turn: Turn, began_ns: int) -> Iterator[SpanStarted | SpanEnded]:
    key = turn_key(turn.id)
    for number, observation in enumerate([*turn.tool_observations, *_failed(turn)]):
        if observation.outcome not in _RAN:
            continue
        run = derived_uuid(turn.id, "tool", str(number)).bytes
        started = observation.started_ns or observation.ended_ns or began_ns
        ended = observation.ended_ns or started
        given = json_of(observation.arguments) if observation.arguments is not None else None
        gave = json_of(observation.result) if observation.result is not None else None
        thought = json_of({"thought": observation.thought}) if observation.thought else None
        asked = Detail(call_id=observation.call_id, arguments=given, attributes=thought)
        yield SpanStarted(key, run, started, "tool", observation.name, detail=asked)
        error = observation.error
        failure = None if error is None else (error.type, error.message)
        status = _RAN[observation.outcome]
        yield SpanEnded(key, run, ended, status, failure, detail=Detail(result=gave))


def _failed(turn: Turn) -> Iterator[ToolObservation]:
    """What a list of messages alone tells of a tool that failed: its answer says so."""
    observed = {observation.call_id for observation in turn.tool_observations}
    asked = {call.id: call for message in turn.messages for call in message.tool_calls}
    for message in turn.messages:
        for call in [asked[i] for i in _failed_calls(message) if i in asked and i not in observed]:
            yield ToolObservation(
                id="",
                name=call.name,
                outcome="error",
                call_id=call.id,
                arguments=call.arguments,
                ended_ns=message.at_ns,
            )


def _failed_calls(message: Message) -> list[str]:
    parts = [part for part in message.parts if isinstance(part, ToolCallResponsePart)]
    return [part.id for part in parts if part.error and part.id is not None]


def _told_by(observation: ToolObservation) -> Body:
    told = (observation.name, observation.arguments, observation.result, observation.outcome)
    return Body(TOOL, (GenericPart("observation", told),))
