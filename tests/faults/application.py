"""The application under fault: what it says, what it must get back, and what may be logged."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Self

from tests.faults.killed_application import CHAIN

from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from types import TracebackType

    import threadline
    from threadline.model import Turn

WORD = "marzipan"
"""Stands in everything that is said, so that what is said can be looked for."""


class Application:
    """Talks, through a handler, and checks that its results are what they are without one."""

    def __init__(self, client: threadline.Client, *, filler: int = 0) -> None:
        self.said = 0
        self._filler = "x" * filler
        self._handler = ThreadlineCallbackHandler(client)
        self._handler.raise_error = True

    def talk(self, times: int = 1, thread_id: str = "t") -> None:
        """Ask so many questions."""
        for _ in range(times):
            question = f"{WORD} {self.said} {self._filler}"
            config = {"callbacks": [self._handler], "metadata": {"thread_id": thread_id}}
            assert CHAIN.invoke({"question": question}, config) == f"You said {question}"
            self.said += 1


class Lines(logging.Handler):
    """What the logger `threadline` says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("threadline").addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger("threadline").removeHandler(self)

    def check(self, *fragments: str) -> None:
        """Each fragment stands in one line of its own, nothing else was said, and no content."""
        assert len(self.lines) == len(fragments), self.lines
        for fragment in fragments:
            assert sum(fragment in line for line in self.lines) == 1, self.lines
        assert not any(WORD in line for line in self.lines)


def numbers_of(turns: list[Turn] | tuple[Turn, ...]) -> list[int]:
    """Return which questions these turns are about, sorted."""
    return sorted(int(turn.messages[0].text.split()[1]) for turn in turns)


def all_turns(store: threadline.Reader) -> list[Turn]:
    """Return every turn of a store."""
    with contextlib.closing(store):
        turns: list[Turn] = []
        page = store.turns(limit=100)
        turns.extend(page)
        while page.cursor is not None:
            page = store.turns(limit=100, cursor=page.cursor)
            turns.extend(page)
        return turns
