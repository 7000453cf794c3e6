"""The component that records the pipelines it is added to. Users' YAML names this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haystack import component, default_from_dict, default_to_dict

from threadline.haystack.connecting import (
    checked_default,
    connect,
    store_all,
    turn_id_now,
)

if TYPE_CHECKING:
    from typing import Self


@component
class ThreadlineConnector:
    """Records every run of the pipeline it is added to as a turn of a conversation.

    It is connected to nothing; where it stands in the pipeline makes no difference. Whose turn a
    run is, is told by its inputs: flat ones, or one dict `invocation_context` with the same names.

    Args:
        name: What the output calls it.
        thread_id: The conversation of runs that name none (for scripts and notebooks).
        user_id: Whose runs these are where they name nobody.

    Raises:
        ArgumentError: if an id is empty or not a text.

    Example:
        >>> from haystack import Pipeline
        >>> from haystack.components.generators.chat import MockChatGenerator
        >>> from haystack.dataclasses import ChatMessage
        >>> import threadline, threadline.haystack
        >>> client = threadline.configure(store="memory")
        >>> pipeline = Pipeline()
        >>> _ = pipeline.add_component("llm", MockChatGenerator("Hello Ada."))
        >>> _ = pipeline.add_component("threadline", ThreadlineConnector())
        >>> messages = [ChatMessage.from_user("I am Ada.")]
        >>> inputs = {"llm": {"messages": messages}, "threadline": {"thread_id": "t-1"}}
        >>> result = pipeline.run(inputs)
        >>> [(m.role, m.text) for m in threadline.open().conversation("t-1").messages]
        [('user', 'I am Ada.'), ('assistant', 'Hello Ada.')]
        >>> str(threadline.open().turn(result["threadline"]["turn_id"]).status)
        'ok'
        >>> threadline.haystack.detach()
    """

    def __init__(
        self,
        name: str = "threadline",
        thread_id: str | None = None,
        user_id: str | None = None,
    ) -> None:
        self.name = name
        self.thread_id = checked_default("thread_id", thread_id)
        self.user_id = checked_default("user_id", user_id)

    @component.output_types(name=str, turn_id=str | None)
    def run(
        self,
        invocation_context: dict[str, Any] | None = None,
        thread_id: str | None = None,
        user_id: str | None = None,
        turn_id: str | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the id of this turn. The inputs have been read when the run began.

        Args:
            invocation_context: Any of the others, and more metadata, as one dict.
            thread_id: The conversation.
            user_id: Whose turn it is.
            turn_id: An id of your choosing, for streamed answers: their callers see no outputs.
            tags: The turn's tags.
            metadata: The turn's metadata; `{"threadline": "off"}` records nothing of the run.
        """
        del invocation_context, thread_id, user_id, turn_id, tags, metadata
        return {"name": self.name, "turn_id": turn_id_now()}

    def warm_up(self) -> None:
        """Start recording; a pipeline calls it before each of its runs."""
        connect(self, self.thread_id, self.user_id)

    def close(self) -> None:
        """Store what was recorded so far."""
        store_all()

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's YAML holds of it."""
        return default_to_dict(self, name=self.name, thread_id=self.thread_id, user_id=self.user_id)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return a connector as `to_dict` wrote it."""
        return default_from_dict(cls, data)
