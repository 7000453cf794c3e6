"""What the writer knows of one conversation: enough to tell what is news, without its texts."""

from __future__ import annotations

from typing import Any, Final

from threadline.model.message import ASSISTANT, SYSTEM, USER
from threadline.store.schema import KINDS, POSITION_BITS

_SAID = KINDS.index("said")
_CONTEXT = KINDS.index("context")
_OFTEN: Final = 8

INTERRUPT = "interrupt:"
"""What the id of a message begins with by which an interrupt asked a human."""

Awaited = tuple[str, str | None]
"""The interrupt that asks about a tool call, and the id of that call."""


class Branching:
    """Where turns of a conversation branched off, and when its last turn ended.

    `starts` holds, by a turn's first position, the position behind which it branches off.
    """

    def __init__(self, starts: dict[int, int], last_end_ns: int) -> None:
        self.starts = starts
        self.last_end_ns = last_end_ns

    def is_over(self, started_ns: int) -> bool:
        """Tell whether all turns had ended when another one began."""
        return self.last_end_ns <= started_ns

    def add(self, first_position: int, branch_at: int | None, ended_ns: int) -> None:
        """Take in a turn that has ended."""
        self.last_end_ns = max(self.last_end_ns, ended_ns)
        if branch_at is not None:
            self.starts[first_position] = branch_at


class Held:
    """One conversation as the store holds it, and what this transaction adds to it.

    Owned by the writer thread. After a rollback it is thrown away and read again.
    """

    def __init__(self, conversation: int, tenant: str, thread_id: str, *, generated: bool) -> None:
        self.id = conversation
        self.tenant = tenant
        self.thread_id = thread_id
        self.generated = generated
        self.user_id: str | None = None
        self.title: str | None = None
        self.tags: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.created_ns = 0
        self.updated_ns = 0
        self.turns = 0
        self.said = 0
        self.preview: str | None = None
        self.last_status: int | None = None
        self.digests: list[bytes] = []
        self.kinds = bytearray()
        self.roles: list[str] = []
        self.ids: dict[str, int] = {}
        self._first_at: dict[bytes, int] | None = None
        self._asked = 0
        self.instructions: set[bytes] = set()
        self.awaited: list[Awaited] | None = None
        self.branching: Branching | None = None

    @property
    def next_position(self) -> int:
        """Where the next message goes."""
        return len(self.digests)

    @property
    def has_begun(self) -> bool:
        """Whether anything was said here, or is known to have been said before."""
        return any(kind != _CONTEXT for kind in self.kinds)

    def row_id(self, position: int) -> int:
        """Return the row id of the message at `position`."""
        return self.id << POSITION_BITS | position

    def add(self, digest: bytes, role: str, kind: int, framework_id: str | None) -> int:
        """Take a message in and return its position."""
        position = len(self.digests)
        self.digests.append(digest)
        self.kinds.append(kind)
        self.roles.append(role)
        if self._first_at is not None:
            self._first_at.setdefault(digest, position)
        if role == SYSTEM:
            self.instructions.add(digest)
        if framework_id is not None and kind != _CONTEXT:
            self.ids[framework_id] = position
        return position

    def holds(self, framework_id: str | None, digest: bytes) -> bool:
        """Tell whether this very message was said here: same id, same content."""
        if framework_id is None:
            return False
        position = self.ids.get(framework_id)
        return position is not None and self.digests[position] == digest

    def find(self, digest: bytes, after: int) -> int | None:
        """Return where a message that says this is, preferably right behind `after`."""
        following = after + 1
        if following < len(self.digests) and self.digests[following] == digest:
            return following
        return self.first_at(digest)

    def first_at(self, digest: bytes) -> int | None:
        """Return where this stands first, if anywhere.

        A table is made only where it is asked often: tables of conversations that come and go,
        each a little longer than before, leave holes in memory that nothing else fits into.
        """
        if self._first_at is None:
            self._asked += 1
            if self._asked <= _OFTEN:
                return self.digests.index(digest) if digest in self.digests else None
            backwards = range(len(self.digests) - 1, -1, -1)
            self._first_at = dict(zip(reversed(self.digests), backwards, strict=True))
        return self._first_at.get(digest)

    def said_since_answer(self) -> list[bytes]:
        """Return what was said since the assistant last spoke, oldest first; instructions apart."""
        tail: list[bytes] = []
        for position in range(len(self.digests) - 1, -1, -1):
            if self.kinds[position] != _SAID:
                continue
            if self.roles[position] == ASSISTANT:
                break
            if self.roles[position] != SYSTEM:
                tail.append(self.digests[position])
        tail.reverse()
        return tail

    def path_to(self, position: int) -> list[int]:
        """Return what was said up to `position`, and where, along its branch; oldest first."""
        starts = {} if self.branching is None else self.branching.starts
        path: list[int] = []
        while position >= 0:
            if self.kinds[position] != _CONTEXT:
                path.append(position)
            position = starts.get(position, position - 1)
        path.reverse()
        return path

    def where_said(self, digest: bytes) -> list[int]:
        """Return all places where this was said, since anybody listened."""
        return [
            at
            for at, other in enumerate(self.digests)
            if other == digest and self.kinds[at] == _SAID
        ]

    def newest_said(self) -> int | None:
        """Return where the last thing was said."""
        kinds = self.kinds
        return next((at for at in range(len(kinds) - 1, -1, -1) if kinds[at] == _SAID), None)

    def newest_with_id(self) -> int | None:
        """Return where the last message was said that a framework keeps; a question is none."""
        return max(
            (
                at
                for framework_id, at in self.ids.items()
                if self.kinds[at] == _SAID and not framework_id.startswith(INTERRUPT)
            ),
            default=None,
        )

    def was_answered(self, position: int) -> bool:
        """Tell whether the assistant said anything behind `position`, on whatever branch."""
        return self._is_said_behind(position, ASSISTANT) is not None

    def went_on(self, position: int) -> bool:
        """Tell whether the user said anything behind `position` that was answered."""
        asked = self._is_said_behind(position, USER)
        return asked is not None and self.was_answered(asked)

    def _is_said_behind(self, position: int, role: str) -> int | None:
        behind = range(position + 1, len(self.digests))
        return next((p for p in behind if self.kinds[p] == _SAID and self.roles[p] == role), None)

    def questions(self) -> set[int]:
        """Return where interrupts asked a human in words."""
        return {at for framework_id, at in self.ids.items() if framework_id.startswith(INTERRUPT)}

    def dialogue(self) -> list[bytes]:
        """Return what was said since the assistant last spoke otherwise than by an interrupt."""
        asked = self.questions()
        said: list[bytes] = []
        for position in range(len(self.digests) - 1, -1, -1):
            if self.kinds[position] == _SAID:
                if self.roles[position] == ASSISTANT and position not in asked:
                    break
                said.append(self.digests[position])
        return said
