"""One record's way into its Context thread: what is there is looked for, what is new is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.ingest.context_entries import (
    Entry,
    answer_of,
    entries_of,
    event_entry,
    number_of,
    rating_entry,
    thumb_of,
)
from threadline.ingest.context_matching import answer_in, found_in, ids_given
from threadline.ingest.context_requests import THREAD, objects_in
from threadline.ingest.destination import Delivered, Rejected
from threadline.model.feedback import Feedback, Rating
from threadline.model.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.ingest.context_entries import Fields
    from threadline.ingest.context_limits import ContextLimits
    from threadline.ingest.context_requests import ContextRequests, Held
    from threadline.ingest.destination import Item, Outcome

_UNKNOWN: Final = (
    "this store holds neither its turn nor its conversation: name the thread_id as well"
)


class ContextThread:
    """The thread that an item belongs to.

    Args:
        item: What is to be delivered.
        requests: Ask the server; they raise `HeldUpError` where they come to nothing.
        limits: Bring metadata within what the server takes.
    """

    def __init__(self, item: Item, requests: ContextRequests, limits: ContextLimits) -> None:
        facts = item.conversation
        self._item = item
        self._requests = requests
        self._limits = limits
        self._id = facts.thread_id if facts is not None else item.record.thread_id or ""
        self._told: Mapping[str, Any] = item.conversation_receipt
        self._read: Held | None = None

    def take(self) -> Outcome:
        """Deliver the item."""
        record = self._item.record
        if isinstance(record, Turn):
            return self._take_turn(record)
        if not self._id:
            return Rejected(_UNKNOWN)
        if isinstance(record, Rating):
            return self._take_rating(record)
        if isinstance(record, Feedback):
            self._append([], self._metadata(), record.text)
            return Delivered()
        return self._take_event(event_entry(record, self._limits))

    def _take_turn(self, turn: Turn) -> Outcome:
        entries = entries_of(turn, self._limits)
        if not entries:
            return Delivered()
        metadata = self._metadata(turn)
        held = self._held() if self._item.is_uncertain else None
        found: list[Fields] = []
        if held is not None:
            found = found_in(entries, held.messages)
            metadata = held.metadata or metadata
        ids = ids_given(entries, found)
        thread_id = held.id if held is not None else None
        if left := entries[len(found) :]:
            came = self._append([entry.fields for entry in left], metadata)
            ids |= ids_given(left, objects_in(came.get("appended_messages")))
            thread_id = came.get("id") or thread_id
        return Delivered(_of_turn(entries, ids), self._of_thread(metadata, thread_id))

    def _take_rating(self, rating: Rating) -> Outcome:
        thumb = thumb_of(rating)
        message_id = None if thumb is None else self._rated_message(rating)
        if thumb is None or message_id is None:
            return self._take_event(rating_entry(rating, self._limits), rating.comment)
        if not self._requests.judge(self._held_id(), message_id, thumb):
            return self._take_event(rating_entry(rating, self._limits), rating.comment)
        if rating.comment:
            self._append([], self._metadata(), rating.comment)
        return Delivered()

    def _take_event(self, fields: Fields, feedback: str | None = None) -> Outcome:
        if not (self._item.is_uncertain and found_in([Entry(fields)], self._held().messages)):
            self._append([fields], self._metadata(), feedback)
        return Delivered()

    def _rated_message(self, rating: Rating) -> str | None:
        """Return the server's id of what was rated: as it told us, else as it shows it."""
        receipt = self._item.receipt
        number = (
            receipt.get("answer") if rating.message_id is None else number_of(rating.message_id)
        )
        known = receipt.get("messages", {}).get(number)
        if known is not None or rating.turn_id is None or rating.message_id is not None:
            return known
        return answer_in(rating.turn_id, self._held().messages)

    def _append(
        self, messages: Sequence[Fields], metadata: Mapping[str, str], feedback: str | None = None
    ) -> Fields:
        conversation: Fields = {"id": self._id, "messages": messages}
        if metadata:
            conversation["metadata"] = metadata
        if feedback:
            conversation["feedback"] = feedback
        return self._requests.append(THREAD, conversation)

    def _metadata(self, turn: Turn | None = None) -> Mapping[str, str]:
        """Return what is said of the conversation: always the same as the first time."""
        if "metadata" in self._told:
            return self._told["metadata"]
        if turn is None and (held := self._held().metadata):  # another store sent it
            return held
        facts = self._item.conversation
        if facts is None:
            return {}
        models = [] if turn is None else [call.model for call in turn.llm_calls if call.model]
        return self._limits.kept(
            {
                "user_id": facts.user_id or (turn.user_id if turn is not None else None),
                "model": models[-1] if models else None,
                "id_source": "generated" if facts.is_generated else None,
                "environment": turn.environment if turn is not None else None,
                "release": turn.release if turn is not None else None,
                "title": facts.title,
                "tags": ", ".join(facts.tags) or None,
                **facts.metadata,
            }
        )

    def _held(self) -> Held:
        if self._read is None:
            self._read = self._requests.read_back(self._held_id())
        return self._read

    def _held_id(self) -> str:
        return self._told.get("id") or self._id

    def _of_thread(self, metadata: Mapping[str, str], thread_id: object) -> Mapping[str, Any]:
        told: dict[str, Any] = {"metadata": metadata}
        if isinstance(thread_id, str) and thread_id != self._id:
            told["id"] = thread_id
        elif "id" in self._told:
            told["id"] = self._told["id"]
        return {} if told == self._told else told


def _of_turn(entries: Sequence[Entry], ids: Mapping[str, str]) -> Mapping[str, Any]:
    answer = answer_of(entries)
    if not ids:
        return {}
    return {"messages": ids, **({} if answer is None else {"answer": number_of(answer)})}
