"""The read side of a store: conversations, turns, search, and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, Unpack
from uuid import UUID

from threadline.clock import SystemClock
from threadline.errors import ArgumentError
from threadline.ids import pack_id, redacted_id, storable
from threadline.store.connections import Database, FileDatabase, SharedDatabase
from threadline.store.conversation_rows import conversation_by_key, conversation_from
from threadline.store.deletion import Deletion
from threadline.store.figures import figures_of, first_turn_ns
from threadline.store.filter_arguments import (
    CommonFilters,
    FilterArguments,
    check_filters,
    check_limit,
)
from threadline.store.filter_indexes import make_filter_indexes
from threadline.store.following import Following
from threadline.store.listing import Listing
from threadline.store.schema import TURN_KINDS
from threadline.store.search import Search
from threadline.store.search_index import build_index, forget, is_behind
from threadline.store.stretches import stretch_from
from threadline.store.tabled import TabledReader
from threadline.store.turn_model import Rebuilder
from threadline.store.turn_rows import gather, turn_by_id, turns_by_row
from threadline.store.words import Query

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from threadline.clock import Clock
    from threadline.model.conversation import Conversation
    from threadline.model.figures import Figures
    from threadline.model.listing import ConversationSummary, Page, SearchHit
    from threadline.model.stretch import Stretch
    from threadline.model.turn import Turn
    from threadline.store.filters import Filters
    from threadline.store.turn_rows import TurnRow

_TURNS_INDEXED: Final = 2_000
_INDEXING_S: Final = 0.2
_BUSY_S: Final = 10.0

__all__ = ["Database", "FileDatabase", "Reader", "SharedDatabase"]


class Reader(TabledReader):
    """An open store, for reading. Any number of threads may share one.

    The same filters hold everywhere: `thread_id`, `user_id`, `tag`, `metadata`, `status`,
    `rating` (a number, "up" or "down"), `tool`, `model`, `text` (words that were said), `since`
    and `until` (a datetime, "2h", "3d", an ISO date or time), `tenant`. Lists are newest first
    and come in pages: `limit` is the most that one holds, its `cursor` begins the next.

    Every method raises a `StoreError` if the store is gone or cannot be read, and an
    `ArgumentError` for a value that it cannot use.

    Args:
        database: Gives connections.
        path: Where the store is; None for one in memory.
        before_read: Called before each answer, so that what was just recorded is in it.
        clock: Tells what "2h" ago is, and which turns have shown no sign of life.
        tenant: Whose conversations are meant where a call names no tenant.
    """

    def __init__(
        self,
        database: Database,
        path: Path | None = None,
        *,
        before_read: Callable[[], object] | None = None,
        clock: Clock | None = None,
        tenant: str | None = None,
    ) -> None:
        self._tenant = tenant or ""
        self._database = database
        self._path = path
        self._before_read = before_read
        self._clock = clock or SystemClock()

    @property
    def path(self) -> Path | None:
        """Where the store is; None for one in memory."""
        return self._path

    @property
    def schema_version(self) -> int:
        """The version of the store's schema."""
        with self._reading() as connection:
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            return version

    def conversations(
        self, *, limit: int = 20, cursor: str | None = None, **filters: Unpack[FilterArguments]
    ) -> Page[ConversationSummary]:
        """Return short forms of the conversations in which something was said, newest first."""
        checked = check_limit(limit)
        with self._reading() as connection:
            listing = self._listing(connection, filters, checked)
            return listing.conversations(cursor)

    def turns(
        self,
        *,
        limit: int = 20,
        cursor: str | None = None,
        kind: str | None = "turn",
        **filters: Unpack[FilterArguments],
    ) -> Page[Turn]:
        """Return turns with all that belongs to them, newest first.

        Args:
            limit: The most to return.
            cursor: Where an earlier page ended.
            kind: `turn`, `trace` (what is kept out of the transcript), or None for both.
            **filters: The filters.
        """
        checked = check_limit(limit)
        if kind is not None and kind not in TURN_KINDS:
            raise ArgumentError(argument="kind", value=kind, allowed="'turn', 'trace' or None")
        with self._reading() as connection:
            return self._listing(connection, filters, checked).turns(cursor, kind)

    def conversation(self, thread_id: str, tenant: str | None = None) -> Conversation | None:
        """Return everything of a conversation; None if there is none with this thread id."""
        with self._reading() as connection:
            forms = _forms_of(connection, thread_id)
            row = conversation_by_key(connection, tenant or self._tenant, forms)
            if row is None:
                return None
            return conversation_from(connection, row, now_ns=self._clock.now_ns())

    def stretch(
        self, thread_id: str, *, first: int = 0, turn_id: str | None = None, limit: int = 30
    ) -> Stretch | None:
        """Return some turns of a conversation that may be long; None if there is none.

        Args:
            thread_id: The conversation.
            first: Where to begin; a negative number counts from the end.
            turn_id: The turn to begin shortly before, where the conversation has it.
            limit: How many turns to read at most.
        """
        checked = check_limit(limit)
        with self._reading() as connection:
            forms = _forms_of(connection, thread_id)
            row = conversation_by_key(connection, self._tenant, forms)
            if row is None:
                return None
            now_ns = self._clock.now_ns()
            return stretch_from(
                connection, row, first=first, turn_id=turn_id, limit=checked, now_ns=now_ns
            )

    def turn(self, turn_id: str) -> Turn | None:
        """Return one turn; None if there is none with this id."""
        with self._reading() as connection:
            forms = _forms_of(connection, turn_id)
            found = (turn_by_id(connection, pack_id(form)) for form in forms)
            return self._rebuilt(connection, next(filter(None, found), None))

    def last(self) -> Turn | None:
        """Return the turn that began last; None if there is none yet."""
        with self._reading() as connection:
            newest = connection.execute(
                "SELECT t.id FROM turn t JOIN conversation c ON c.id = t.conversation"
                f" WHERE t.kind = {TURN_KINDS.index('turn')} AND c.tenant = ?"
                " ORDER BY t.started_ns DESC, t.id DESC LIMIT 1",
                (self._tenant,),
            ).fetchone()
            rows = turns_by_row(connection, newest or ())
            return self._rebuilt(connection, rows[0] if rows else None)

    def follow(self, *, last: int = 0, **filters: Unpack[FilterArguments]) -> Following:
        """Follow what is recorded from now on, by this process and by others.

        Args:
            last: How many of the newest turns to begin with.
            **filters: The filters.

        Returns:
            An object whose `changes()` returns at once: the turns that are new or have changed
            since it was last asked.
        """
        checked = check_limit(last) if last else 0

        def given(connection: sqlite3.Connection) -> Filters:
            return self._checked(connection, filters)

        return Following(
            self._database,
            given,
            last=checked,
            clock=self._clock,
            before_read=self._before_read,
        )

    def figures(self, *, first_ns: int, length_ns: int, count: int) -> Figures:
        """Add up what began since `first_ns`, in `count` stretches of `length_ns` each."""
        with self._reading() as connection:
            return figures_of(
                connection,
                tenant=self._tenant,
                first_ns=first_ns,
                length_ns=length_ns,
                count=check_limit(count),
                now_ns=self._clock.now_ns(),
            )

    def began_ns(self) -> int | None:
        """Return when the first turn of the store began; None if there is none yet."""
        with self._reading() as connection:
            return first_turn_ns(connection)

    def search(
        self,
        text: str,
        limit: int = 20,
        cursor: str | None = None,
        **filters: Unpack[CommonFilters],
    ) -> Page[SearchHit]:
        """Return the places where something was said, those of the newest turn first.

        All words must be in one turn; from three letters on the beginning of a word is enough.
        Nothing in `text` has a special meaning. What is not in the index yet is found too. Where
        more than 2,000 turns match, those come first that were stored last.
        """
        checked = check_limit(limit)
        query = Query.parse(text)
        self.index(_TURNS_INDEXED, budget_s=_INDEXING_S)
        with self._reading() as connection:
            given = self._checked(connection, filters)
            search = Search(connection, query, given, now_ns=self._clock.now_ns())
            return search.hits(checked, cursor)

    def index(self, turns: int, *, budget_s: float) -> int:
        """Put turns into the index for `search`, oldest first; searching works without it too.

        Args:
            turns: How many to index at most.
            budget_s: After how many seconds to stop.

        Returns:
            How many were indexed; none where there is nothing to do, or no writing.
        """
        with self._reading() as connection:
            if not is_behind(connection):
                return 0
        return build_index(self._database, clock=self._clock, turns=turns, budget_s=budget_s)

    def prepare(self) -> int:
        """Make ready for filters that few turns fit, where the store is large and can be written.

        Returns:
            How many indexes were made.
        """
        return make_filter_indexes(self._database)

    def delete(
        self,
        *,
        thread_id: str | None = None,
        user_id: str | None = None,
        tenant: str | None = None,
    ) -> int:
        """Delete a conversation, or everything of a user, for good.

        It is gone from every answer and from what waits to be shipped, at once; keyed hashes
        stay, so that neither a waiting journal nor a replayed history brings it back. Where a
        user shared a conversation with others, only that user's turns go.

        Args:
            thread_id: The conversation to delete.
            user_id: The user to forget; either this or `thread_id`.
            tenant: Whose conversation or user it is.

        Returns:
            How many conversations were deleted, or lost turns.
        """
        with self._reading() as connection:
            forms = _forms_of(connection, _only_one(thread_id, user_id))
        with self._database.write(busy_s=_BUSY_S, deletes=True) as connection:
            deletion = Deletion(connection, tenant or self._tenant, now_ns=self._clock.now_ns())
            if thread_id is not None:
                count = deletion.of_threads(forms)
            else:
                count = deletion.of_users(forms)
            if count:
                forget(connection)
        self._database.checkpoint()
        return count

    def close(self) -> None:
        """Let go of the store; a later use opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        if self._before_read is not None:
            self._before_read()
        return self._database.read()

    def _listing(
        self, connection: sqlite3.Connection, given: FilterArguments, limit: int
    ) -> Listing:
        filters = self._checked(connection, given)
        return Listing(connection, filters, limit=limit, now_ns=self._clock.now_ns())

    def _checked(self, connection: sqlite3.Connection, given: CommonFilters) -> Filters:
        def forms_of(text: str) -> tuple[str, ...]:
            return _forms_of(connection, text)

        if given.get("tenant") is None:
            given["tenant"] = self._tenant or None
        return check_filters(given, now_ns=self._clock.now_ns(), forms_of=forms_of)

    def _rebuilt(self, connection: sqlite3.Connection, row: TurnRow | None) -> Turn | None:
        if row is None:
            return None
        gathered = gather(connection, [row])
        return Rebuilder(gathered, now_ns=self._clock.now_ns()).turns()[0]


def _only_one(thread_id: str | None, user_id: str | None) -> str:
    given = [text for text in (thread_id, user_id) if text is not None]
    if len(given) == 1:
        return given[0]
    allowed = "either a thread id or a user id"
    raise ArgumentError(argument="thread_id, user_id", value=given, allowed=allowed)


def _forms_of(connection: sqlite3.Connection, given: object) -> tuple[str, ...]:
    """Return an id as it is and as the store holds it where a redaction rule matched it."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'hash_key'").fetchone()
    text = _text_of(given)
    plain = storable(text)
    return (plain,) if row is None else (plain, redacted_id(text, row[0]))


def _text_of(given: object) -> str:
    """Return an id as text, as recording does with a number or a UUID."""
    if isinstance(given, str):
        return given
    if isinstance(given, _AS_TEXT) and not isinstance(given, bool):
        return str(given)
    raise ArgumentError(argument="id", value=given, allowed="a text")


_AS_TEXT: Final = (int, UUID)
