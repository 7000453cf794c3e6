"""Lines that the JSON lines destination wrote: a record each, put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.errors import ArgumentError
from threadline.model import (
    RECORD_SCHEMA,
    Conversation,
    Event,
    Feedback,
    Rating,
    Turn,
)
from threadline.store.outbox_records import ConversationFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields = dict[str, Any]

_KEYS: Final = frozenset({"id", "kind", "record"})
_TURNS: Final = frozenset({"turn", "trace"})
_ALLOWED: Final = "a line of the JSON lines destination"


def is_shipped(fields: Fields) -> bool:
    """Tell whether a line is one record that was shipped."""
    return fields.keys() >= _KEYS and isinstance(fields["record"], dict)


class ShippedLines:
    """Gathers records, which may come twice and in any order, by their conversation."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str | None, str], ConversationFacts] = {}
        self._turns: dict[tuple[str | None, str], dict[str, Fields]] = {}
        self._notes: dict[tuple[str | None, str], list[Rating | Feedback | Event]] = {}

    def take(self, fields: Fields) -> None:
        """Take a line in.

        Raises:
            ArgumentError: if it is of a newer schema, or no such record.
        """
        if fields.get("schema", RECORD_SCHEMA) > RECORD_SCHEMA:
            allowed = f"up to {RECORD_SCHEMA}; upgrade threadline to read it"
            raise ArgumentError(argument="schema", value=fields["schema"], allowed=allowed)
        try:
            facts = msgspec.convert(fields.get("conversation"), ConversationFacts | None)
            if facts is None:
                return  # about something that the store which shipped it did not hold
            key = facts.tenant, facts.thread_id
            if fields["kind"] in _TURNS:
                self._turns.setdefault(key, {})[str(fields["id"])] = fields["record"]
            else:
                note = msgspec.convert(fields["record"], Rating | Feedback | Event)
                self._notes.setdefault(key, []).append(note)
        except (msgspec.ValidationError, TypeError) as error:
            raise ArgumentError(
                argument="line", value=fields.get("kind"), allowed=f"{_ALLOWED} ({error})"
            ) from error
        self._facts[key] = facts

    def conversations(self) -> Iterator[Conversation]:
        """Yield what was gathered; what a line names of lines that are not there is left out."""
        for key, facts in self._facts.items():
            records = self._turns.get(key, {}).values()
            known = {m["id"]: m for record in records for m in _messages(record)}
            turns = [_turn(record, known) for record in records]
            notes = self._notes.get(key, ())
            yield Conversation(
                thread_id=facts.thread_id,
                tenant=facts.tenant,
                id_source="generated" if facts.is_generated else "application",
                user_id=facts.user_id,
                title=facts.title,
                tags=facts.tags,
                metadata=facts.metadata,
                created_ns=min((turn.started_ns for turn in turns), default=0),
                updated_ns=max((turn.ended_ns or turn.started_ns for turn in turns), default=0),
                turns=tuple(sorted(turns, key=lambda turn: turn.started_ns)),
                ratings=tuple(note for note in notes if isinstance(note, Rating)),
                feedback=tuple(note for note in notes if isinstance(note, Feedback)),
                events=tuple(note for note in notes if isinstance(note, Event)),
            )


def _messages(record: Fields) -> list[Fields]:
    return [*record.get("messages", ()), *record.get("context", ())]


def _turn(record: Fields, known: dict[str, Fields]) -> Turn:
    spans = [
        {
            **{name: value for name, value in span.items() if name not in {"input", "output"}},
            "input_messages": [known[i] for i in span.get("input", ()) if i in known],
            "output_messages": [known[i] for i in span.get("output", ()) if i in known],
        }
        for span in cast("list[Fields]", record.get("spans", []))
    ]
    fields = {name: value for name, value in record.items() if name != "context"}
    return msgspec.convert({**fields, "spans": spans}, Turn)
