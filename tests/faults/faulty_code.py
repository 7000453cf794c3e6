"""Faults in our own code: a chosen function of Threadline raises when it is called.

The interpreter's profiler does it, so that nothing need be replaced: it is told of every call, and
what it raises is raised there.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langchain_core.callbacks import BaseCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

HOOKS: Final = tuple(name for name in dir(BaseCallbackHandler) if name.startswith("on_"))


class Step(NamedTuple):
    """A function of ours."""

    module: str
    name: str


class InjectedError(Exception):
    """What no code of ours expects."""


class Watch:
    """Is told of every call on a thread; remembers the steps, or raises at one of them."""

    def __init__(self, fault: Step | None = None, error: BaseException | None = None) -> None:
        self.seen: dict[Step, None] = {}
        self.raised = 0
        self._fault = fault
        self._error = error or InjectedError("marzipan")

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        step = _step_of(frame)
        if step is None:
            return
        if step == self._fault:
            self.raised += 1
            raise self._error
        self.seen[step] = None

    def heal(self) -> None:
        """Raise no more: what is collected later, such as a stream left open, ends in peace."""
        self._fault = None
        self._error = InjectedError()  # the other one holds all frames that it passed

    @contextlib.contextmanager
    def on_this_thread(self) -> Iterator[None]:
        """Be told of calls inside; after a fault of no more, until this is entered again.

        The collector waits meanwhile: what it would close is no step of what is watched, and may
        be another test's.
        """
        before, collects = sys.getprofile(), gc.isenabled()
        gc.disable()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(before)
            if collects:
                gc.enable()

    def inside_hooks_of(self, handler: Any) -> None:
        """Be told of what each hook of this handler calls, on any thread."""
        for name in HOOKS:
            setattr(handler, name, self._watched(getattr(handler, name)))

    def _watched(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.on_this_thread():
                return hook(*args, **kwargs)

        return watched


def _step_of(frame: FrameType) -> Step | None:
    module = str(frame.f_globals.get("__name__"))
    if not module.startswith("threadline.") or module in _GUARDS:
        return None
    code: CodeType = frame.f_code
    if code.co_name in HOOKS or code.co_name.startswith("<"):
        return None
    return Step(module, code.co_qualname)


_GUARDS: Final = frozenset({"threadline.capture.guard", "threadline.capture.losses"})
"""What catches faults and counts them."""
