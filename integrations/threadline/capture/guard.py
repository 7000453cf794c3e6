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

    def swallow(self, error: Exception, owner: object = None) -> None:
        """Count one failure of our own, for the client of `owner`; raise it again only in tests."""
        if self.reraise:
            raise error
        try:
            losses = getattr(owner, "_losses", None)
        except Exception:  # noqa: BLE001 (whatever failed may fail again)
            losses = None
        counted = losses if isinstance(losses, Losses) else self.losses
        counted.add("a hook failed and its event was lost", detail=type(error).__name__)


hook_failures: Final = HookFailures()


def never_raises(function: Callable[P, T]) -> Callable[P, T | None]:
    """Make `function` return None where it would raise."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the guard is the place for it)
            hook_failures.swallow(error, args[0] if args else None)
            return None

    return guarded
