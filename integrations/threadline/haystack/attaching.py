"""Putting our tracer in front of Haystack's one tracer, and keeping it there."""

from __future__ import annotations

from typing import Any, Final

from haystack.tracing.tracer import NullTracer, ProxyTracer, Tracer
from haystack.tracing.tracer import tracer as holder

from threadline.haystack.tracer import ThreadlineTracer


class _SharedHolder(ProxyTracer):
    """Haystack's holder of its one tracer, taught that ours stays in front of any other.

    Haystack has room for one tracer: whoever enables theirs last silences all others. The holder
    is one object for the whole process, and everybody sets its attribute, so it is told there.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "actual_tracer":
            value = _attachment.put_in_front_of(value)
        super().__setattr__(name, value)


class _Attachment:
    """The one tracer of this process, and whether it is in use."""

    def __init__(self) -> None:
        self.tracer = ThreadlineTracer()
        self._is_on = False

    def attach(self) -> None:
        """Record from now on, beside the tracer that is enabled now, and any that is later."""
        if type(holder) is ProxyTracer:
            holder.__class__ = _SharedHolder
        before = holder.actual_tracer
        if before is self.tracer:
            return
        self._is_on = True
        if isinstance(before, NullTracer):
            self.tracer.beside = None
            holder.actual_tracer = self.tracer
        else:
            holder.actual_tracer = before  # which puts ours in front of it

    def detach(self) -> None:
        """Record no more; the tracer beside goes on."""
        if self._is_on:
            self._is_on = False
            beside, self.tracer.beside = self.tracer.beside, None
            holder.actual_tracer = beside or NullTracer()

    def put_in_front_of(self, tracer: Tracer) -> Tracer:
        """Return what the holder is to hold when somebody gives it `tracer`."""
        if not self._is_on or tracer is self.tracer:
            return tracer
        if isinstance(tracer, NullTracer):  # the application turned tracing off
            self._is_on = False
            self.tracer.beside = None
            return tracer
        self.tracer.beside = tracer
        return self.tracer


_attachment: Final = _Attachment()
attach: Final = _attachment.attach
detach: Final = _attachment.detach
