"""Putting our tracer in front of Haystack's one tracer, and keeping it there."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

from haystack.tracing.tracer import NullTracer, ProxyTracer, Tracer
from haystack.tracing.tracer import tracer as holder

from threadline.capture.guard import hook_failures
from threadline.haystack.tracer import ThreadlineTracer

_WHERE: Final = "haystack.tracing"
_REPLACED: Final = (
    "haystack.tracing.tracer was replaced: nothing more of Haystack is recorded, unless the new "
    "one passes runs on to the old one; haystack.tracing.enable_tracing(...) keeps both"
)
_UNHEARD: Final = "a pipeline ran while haystack.tracing.tracer was replaced, and was not recorded"


class _SharedHolder(ProxyTracer):
    """Haystack's holder of its one tracer, taught that ours stays in front of any other.

    Haystack has room for one tracer: whoever enables theirs last silences all others. The holder
    is one object for the whole process, and everybody sets its attribute, so it is told there.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "actual_tracer":
            value = _attachment.put_in_front_of(value)
        super().__setattr__(name, value)


class _WatchedModule(ModuleType):
    """The module whose attribute Haystack asks for its holder, taught to tell when it is replaced.

    Whoever sets another object there silences all tracers, and only this assignment shows it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "tracer" and value is not holder and _attachment.is_on:
            hook_failures.losses.warn_once(_REPLACED)


class _Attachment:
    """The one tracer of this process, and whether it is in use."""

    def __init__(self) -> None:
        self.tracer = ThreadlineTracer()
        self.is_on = False

    def attach(self) -> None:
        """Record from now on, beside the tracer that is enabled now, and any that is later."""
        if type(holder) is ProxyTracer:
            holder.__class__ = _SharedHolder
        _watch()
        before = holder.actual_tracer
        if before is self.tracer:
            return
        self.is_on = True
        if isinstance(before, NullTracer):
            self.tracer.beside = None
            holder.actual_tracer = self.tracer
        else:
            holder.actual_tracer = before  # which puts ours in front of it

    def detach(self) -> None:
        """Record no more; the tracer beside goes on."""
        if self.is_on:
            self.is_on = False
            beside, self.tracer.beside = self.tracer.beside, None
            holder.actual_tracer = beside or NullTracer()

    def is_silenced(self) -> bool:
        """Tell whether Haystack asks for somebody else's tracer, though this one is in use."""
        return self.is_on and (_asked() is not holder or holder.actual_tracer is not self.tracer)

    def put_in_front_of(self, tracer: Tracer) -> Tracer:
        """Return what the holder is to hold when somebody gives it `tracer`."""
        if not self.is_on or tracer is self.tracer:
            return tracer
        if isinstance(tracer, NullTracer):  # the application turned tracing off
            self.is_on = False
            self.tracer.beside = None
            return tracer
        self.tracer.beside = tracer
        return self.tracer


def tell_if_unheard() -> None:
    """Count a run that Haystack told some other tracer only; say so once."""
    if _attachment.is_silenced():
        hook_failures.losses.add(_UNHEARD)


def _watch() -> None:
    module = sys.modules[_WHERE]
    if type(module) is ModuleType:
        module.__class__ = _WatchedModule
    if _asked() is not holder:
        hook_failures.losses.warn_once(_REPLACED)


def _asked() -> object:
    return getattr(sys.modules[_WHERE], "tracer", None)


_attachment: Final = _Attachment()
attach: Final = _attachment.attach
detach: Final = _attachment.detach
