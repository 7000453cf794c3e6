"""The guard around every hook: what goes wrong in our code never reaches the application."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from threadline.capture.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class HookFailures:
    """What the guards swallowed. Tests set `reraise` to see it instead."""

    def __init__(self) -> None:
        self.losses = Losses()
        self.reraise = False

    def swallow(self, error: Exception) -> None:
        """Count one failure of our own; raise it again only in tests."""
        if self.reraise:
            raise error
        self.losses.add("a hook failed and its event was lost", detail=type(error).__name__)


hook_failures: Final = HookFailures()


def never_raises(function: Callable[P, T]) -> Callable[P, T | None]:
    """Make `function` return None where it would raise."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the guard is the place for it)
            hook_failures.swallow(error)
            return None

    return guarded
