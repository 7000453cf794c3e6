"""The Haystack adapter: a tracer that turns pipeline and agent runs into conversations."""

from threadline.haystack.enabling import disable, enable
from threadline.haystack.tracer import ThreadlineTracer

__all__ = ["ThreadlineTracer", "disable", "enable"]
