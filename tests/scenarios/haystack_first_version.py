"""What is otherwise with the first version, haystack-ai 3.0.0; `docs/haystack.md` tells it too.

The whole list of scenarios, the recorded streams and the tests of connector, faults and neighbours
are played with it as they are, but for what asks here.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

IS_FIRST: Final = version("haystack-ai") == "3.0.0"

TELLS_DECISIONS: Final = not IS_FIRST
"""Before 3.1 nobody is told what a human decided; only what came of the call is seen."""

RESUMES_WITH_ITS_INPUT: Final = not IS_FIRST
"""A run that 3.0 resumes tells the inputs of the component it goes on with among its own."""

HEARS_SYNCHRONOUS_CHUNKS: Final = IS_FIRST
"""Later versions copy the inputs of a synchronous run before they tell a tracer of them."""

HAS_COMPACTION: Final = not IS_FIRST
"""The package `haystack.hooks.compaction` came later."""
