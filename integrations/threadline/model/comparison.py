"""The same inputs side by side: how two or more ways of answering answered each."""

from __future__ import annotations

import msgspec

from threadline.model.shown import Shown
from threadline.model.turn import Turn


class ComparedInput(msgspec.Struct, frozen=True):
    """One input, and the newest turn of each side that was asked it; None where none was."""

    input: str
    turns: tuple[Turn | None, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every side was asked it."""
        return all(turn is not None for turn in self.turns)

    @property
    def outputs(self) -> tuple[str | None, ...]:
        """The answers, in the order of the sides; None where a side was not asked."""
        return tuple(None if turn is None else turn.output for turn in self.turns)


class Comparison(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """What `store.compare` gives: `inputs` in the order in which they were first asked.

    `by` is what the sides differ in, such as `tag`; `sides` are its values. Inputs that every
    side was asked come first.
    """

    by: str
    sides: tuple[str, ...]
    inputs: tuple[ComparedInput, ...] = ()
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.inputs)

    def __str__(self) -> str:
        lines = [f"{len(self.inputs)} inputs, by {self.by}: {' | '.join(self.sides)}"]
        for one in self.inputs:
            lines.append(f"> {one.input}")
            for side, turn in zip(self.sides, one.turns, strict=True):
                told = "(not asked)" if turn is None else turn.output or f"({turn.status})"
                lines.append(f"  {side}: {told}")
        return "\n".join(lines)
