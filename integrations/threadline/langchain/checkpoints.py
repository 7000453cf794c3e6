"""What the checkpoints of one LangGraph thread tell: turns, with what was said when."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.capture.plain import plain
from threadline.ids import derived_uuid
from threadline.importing.answered_calls import answered_calls
from threadline.langchain.messages import body_of, messages_in
from threadline.model import (
    Conversation,
    Failure,
    Message,
    Status,
    Turn,
)
from threadline.model.message import ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_core.messages import BaseMessage

_NOISE: Final = frozenset(
    {"source", "step", "writes", "parents", "thread_id", "run_id", "user_id", "checkpoint_ns"}
)
_FRAMEWORK: Final = ("langgraph_", "ls_", "lc_", "__")
_ERROR: Final = "__error__"
_INTERRUPT: Final = "__interrupt__"


def newest_branch(found: Iterable[Any]) -> list[Any]:
    """Return the checkpoints from the first to the newest, leaving aside what was gone back on.

    Args:
        found: The checkpoints of a thread, the newest first; those of subgraphs may be among them.
    """
    known = {_id(one.config): one for one in found if not _namespace(one.config)}
    branch: list[Any] = []
    at = next(iter(known), None)
    while at is not None and at in known:
        one = known.pop(at)
        branch.append(one)
        at = None if one.parent_config is None else _id(one.parent_config)
    return branch[::-1]


class ThreadReading:
    """Reads a thread's checkpoints, given one after the other, the first first.

    Args:
        thread_id: The thread.
        messages_key: Where the state has its messages.
        held: The framework's ids of messages that are known already.
    """

    def __init__(self, thread_id: str, messages_key: str, held: frozenset[str]) -> None:
        self._thread_id = thread_id
        self._key = messages_key
        self._seen = set(held)
        self._turns: list[_TurnReading] = []
        self._user_id: str | None = None

    def take(self, checkpoint: Any) -> None:
        """Take a checkpoint in: what is new in its messages was said in the step before it."""
        metadata: Mapping[str, Any] = checkpoint.metadata or {}
        at_ns = _time_ns(checkpoint.checkpoint["ts"])
        self._user_id = _text(metadata.get("user_id")) or self._user_id
        if metadata.get("source") == "input" or not self._turns:
            self._turns.append(_TurnReading(at_ns, metadata))
        turn = self._turns[-1]
        turn.end(at_ns, checkpoint.pending_writes or ())
        values: Mapping[str, object] = checkpoint.checkpoint.get("channel_values") or {}
        for place, message in enumerate(messages_in(values.get(self._key)) or ()):
            ident = message.id or f"{place}"
            if ident not in self._seen or ident in turn.said:
                turn.hear(ident, message, at_ns)
            self._seen.add(ident)

    def conversation(self) -> Conversation | None:
        """Return the turns in which something new was said; None if there is none."""
        turns = tuple(turn.whole(self._thread_id) for turn in self._turns if turn.said)
        if not turns:
            return None
        return Conversation(
            thread_id=self._thread_id,
            user_id=self._user_id,
            created_ns=turns[0].started_ns,
            updated_ns=max(turn.ended_ns or 0 for turn in turns),
            turns=turns,
        )


class _TurnReading:
    """One turn in the making: the steps from one input of the graph to the next."""

    def __init__(self, at_ns: int, metadata: Mapping[str, Any]) -> None:
        self.said: dict[str, tuple[int, BaseMessage]] = {}
        self._started_ns = self._ended_ns = at_ns
        self._metadata = metadata
        self._failure: Failure | None = None
        self._waits = False

    def end(self, at_ns: int, writes: Iterable[tuple[str, str, Any]]) -> None:
        """Let the turn last until a checkpoint that its tasks wrote this to."""
        self._ended_ns = at_ns
        errors = [value for _, channel, value in writes if channel == _ERROR]
        self._waits = any(channel == _INTERRUPT for _, channel, _ in writes)
        self._failure = _failure(errors[-1]) if errors else None

    def hear(self, ident: str, message: BaseMessage, at_ns: int) -> None:
        """Take in what was said; of what was rewritten in the same turn only the last stays."""
        first_ns = self.said[ident][0] if ident in self.said else at_ns
        self.said[ident] = first_ns, message

    def whole(self, thread_id: str) -> Turn:
        """Return the turn; its id follows from the first thing that was said in it."""
        turn_id = str(derived_uuid("checkpoint", thread_id, next(iter(self.said))))
        messages = tuple(
            Message(
                id=f"{turn_id}:{place}",
                role=body.role,
                parts=body.parts,
                name=body.name,
                at_ns=at_ns,
                turn_id=turn_id,
                framework_id=message.id,
            )
            for place, (at_ns, message) in enumerate(self.said.values())
            for body in (body_of(message),)
        )
        metadata = {
            key: value
            for key, value in self._metadata.items()
            if key not in _NOISE and not key.startswith(_FRAMEWORK)
        }
        return Turn(
            id=turn_id,
            thread_id=thread_id,
            status=self._status(messages),
            started_ns=self._started_ns,
            ended_ns=self._ended_ns,
            user_id=_text(self._metadata.get("user_id")),
            metadata=cast("dict[str, Any]", plain(metadata)),
            error=self._failure,
            messages=messages,
            tool_observations=tuple(answered_calls(turn_id, messages)),
        )

    def _status(self, messages: tuple[Message, ...]) -> Status:
        if self._failure is not None:
            return Status.ERROR
        if self._waits:
            return Status.INTERRUPTED
        answered = messages[-1].role == ASSISTANT and not messages[-1].tool_calls
        return Status.OK if answered else Status.ABANDONED


def _failure(error: object) -> Failure:
    if isinstance(error, BaseException):
        return Failure(type(error).__name__, str(error))
    return Failure("Exception", str(error))


def _time_ns(text: str) -> int:
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _id(config: Any) -> str:
    return config["configurable"]["checkpoint_id"]


def _namespace(config: Any) -> str:
    return config["configurable"].get("checkpoint_ns") or ""
