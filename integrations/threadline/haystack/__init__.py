"""The Haystack adapter: a tracer that turns pipeline and agent runs into conversations."""

from threadline.haystack.attaching import attach, detach
from threadline.haystack.tracer import ThreadlineTracer

__all__ = ["ThreadlineTracer", "attach", "detach"]
