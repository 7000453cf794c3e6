"""Threadline's tracer, where Haystack's integrations have theirs."""

from threadline.haystack.tracer import ThreadlineSpan, ThreadlineTracer

__all__ = ["ThreadlineSpan", "ThreadlineTracer"]
