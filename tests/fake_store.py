"""A store in memory that answers the way `threadline.open()` does, for tests of what reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.model import Conversation, ConversationSummary, Page, SearchHit, Turn

if TYPE_CHECKING:
    from pathlib import Path


class FakeFollowing:
    """Tells some turns; then whoever follows presses Ctrl-C."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._answers = [turns]

    def changes(self) -> tuple[Turn, ...]:
        if not self._answers:
            raise KeyboardInterrupt
        return self._answers.pop()


class FakeStore:
    """Holds conversations; keeps the filters that it was last asked with in `asked`."""

    def __init__(self, path: Path | None, *conversations: Conversation) -> None:
        self.path = path
        self.held = sorted(conversations, key=lambda c: c.updated_ns, reverse=True)
        self.asked: dict[str, Any] = {}
        self.schema_version = 1

    def conversations(
        self, limit: int = 20, cursor: str | None = None, **filters: Any
    ) -> Page[ConversationSummary]:
        self.asked = filters
        start = int(cursor or 0)
        found = [_summary(c) for c in self.held if _fits(c, filters)]
        more = str(start + limit) if len(found) > start + limit else None
        return Page(found[start : start + limit], more)

    def turns(self, limit: int = 20, cursor: str | None = None, **filters: Any) -> Page[Turn]:
        turns = [turn for c in self.held if _fits(c, filters) for turn in reversed(c.turns)]
        start = int(cursor or 0)
        more = str(start + limit) if len(turns) > start + limit else None
        return Page(turns[start : start + limit], more)

    def follow(self, last: int = 0, **filters: Any) -> FakeFollowing:
        self.asked = filters
        return FakeFollowing(tuple(reversed(self.turns(limit=last))))

    def conversation(self, thread_id: str, tenant: str | None = None) -> Conversation | None:
        wanted = (thread_id, tenant)
        return next((c for c in self.held if (c.thread_id, c.tenant) == wanted), None)

    def turn(self, turn_id: str) -> Turn | None:
        return next((t for c in self.held for t in c.turns if t.id == turn_id), None)

    def last(self) -> Turn | None:
        return self.held[0].turns[-1] if self.held else None

    def search(self, text: str, limit: int = 20, **filters: Any) -> Page[SearchHit]:
        self.asked = filters
        hits = [
            SearchHit(
                thread_id=c.thread_id,
                turn_id=turn.id,
                message_id=message.id,
                role=message.role,
                at_ns=message.at_ns,
                snippet=message.text,
            )
            for c in self.held
            if _fits(c, filters)
            for turn in c.turns
            for message in turn.messages
            if text.lower() in message.text.lower()
        ]
        return Page(hits[:limit])

    def delete(
        self, thread_id: str | None = None, user_id: str | None = None, tenant: str | None = None
    ) -> int:
        whose = {"thread_id": thread_id, "user_id": user_id, "tenant": tenant}
        gone = [c for c in self.held if _fits(c, whose)]
        self.held = [c for c in self.held if c not in gone]
        return len(gone)


def _fits(conversation: Conversation, filters: dict[str, Any]) -> bool:
    return all(
        getattr(conversation, name) == filters[name]
        for name in ("thread_id", "user_id", "tenant")
        if filters.get(name) is not None
    )


def _summary(conversation: Conversation) -> ConversationSummary:
    told = [turn for turn in conversation.turns if turn.kind == "turn"]
    return ConversationSummary(
        thread_id=conversation.thread_id,
        tenant=conversation.tenant,
        id_source=conversation.id_source,
        user_id=conversation.user_id,
        title=conversation.title,
        tags=conversation.tags,
        created_ns=conversation.created_ns,
        updated_ns=conversation.updated_ns,
        turn_count=len(told),
        message_count=len(conversation.messages),
        last_status=told[-1].status if told else None,
        preview=told[-1].input if told else "",
    )
