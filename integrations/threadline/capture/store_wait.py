"""What the store cannot take now: when it is tried again, and when that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.errors import StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from threadline.capture.losses import Losses

_RETRY_S: Final = 2.0
_LONG_BUSY_S: Final = 10.0
"""How long others may hold the store before that is worth a line: on a busy machine they take their
turns, and nothing is lost by it."""

_WORDS: Final = "the store cannot be written; what is recorded waits"


class StoreWait:
    """Whether the writer waits before it tries again. Owned by the writer thread."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._until = 0.0
        self._busy_since: float | None = None
        self._unsaid: StoreError | None = None

    def is_on(self, now: float) -> bool:
        """Tell whether it is too early to try again."""
        return now < self._until

    def lift(self) -> None:
        """Let it be tried at once: somebody asks for it."""
        self._until = 0.0

    def after(self, error: StoreError, now: float) -> None:
        """Wait for a while after the store did not take it; `now` in monotonic seconds."""
        self._until = now + _RETRY_S
        self._unsaid = error
        if isinstance(error, StoreUnavailableError) and error.is_busy:
            if self._busy_since is None:
                self._busy_since = now
            if now - self._busy_since < _LONG_BUSY_S:
                return
        self.say()

    def over(self) -> None:
        """The store took it."""
        self._busy_since = self._unsaid = None

    def say(self) -> None:
        """Say why it waits, if it does and that was not said yet."""
        if self._unsaid is not None:
            self._losses.warn_once(_WORDS, str(self._unsaid))
            self._unsaid = None
