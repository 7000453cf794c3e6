"""What the commands need of an open store; `threadline.open()` returns one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.model import Conversation, ConversationSummary, Page, SearchHit, Turn


class Following(Protocol):
    """What is new in a store since it was last asked."""

    def changes(self) -> tuple[Turn, ...]:
        """Return the turns that are new or have changed."""
        ...


class Reader(Protocol):
    """The read side of a store, with one set of filters everywhere, newest first."""

    @property
    def path(self) -> Path | None:
        """Where the store is; None for one in memory."""
        ...

    @property
    def schema_version(self) -> int:
        """The version of the store's schema."""
        ...

    def conversations(self, **filters: Any) -> Page[ConversationSummary]:
        """Return short forms of conversations."""
        ...

    def turns(self, **filters: Any) -> Page[Turn]:
        """Return turns."""
        ...

    def follow(self, *, last: int = 0, **filters: Any) -> Following:
        """Follow what is recorded from now on."""
        ...

    def search(self, text: str, limit: int = 20, **filters: Any) -> Page[SearchHit]:
        """Return the places where `text` was said."""
        ...

    def conversation(self, thread_id: str, tenant: str | None = None) -> Conversation | None:
        """Return what one thread id holds."""
        ...

    def turn(self, turn_id: str) -> Turn | None:
        """Return one turn."""
        ...

    def last(self) -> Turn | None:
        """Return the newest turn."""
        ...

    def delete(
        self,
        *,
        thread_id: str | None = None,
        user_id: str | None = None,
        tenant: str | None = None,
    ) -> int:
        """Delete conversations and return their number."""
        ...
