"""What an import costs, each in a fresh interpreter, taking turns with what it is compared to."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.measuring import Spread

if TYPE_CHECKING:
    from collections.abc import Mapping

# langchain-core loads lazily: only names load modules. These are what any application uses.
_FIRST: Final = """
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
"""

_PROBE: Final = """
{before}
import sys, time
started = time.process_time_ns()
{measured}
spent = time.process_time_ns() - started
frameworks = [n for n in ("langchain_core", "langgraph", "haystack", "httpx") if n in sys.modules]
print(spent, *frameworks)
"""


@dataclass(frozen=True)
class Imported:
    """CPU time of imports in milliseconds, and which frameworks they loaded."""

    floor: Spread
    threadline: Spread
    ratio: Spread
    langchain: Spread
    loaded: tuple[str, ...]


RATIO_LIMIT: Final = 1.3
LANGCHAIN_LIMIT_MS: Final = 40.0


def measure_imports(rounds: int) -> Imported:
    """Import in `rounds` rounds, after one that compiles everything into a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as compiled:
        environment = dict(os.environ) | {"PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return _measure(rounds, environment)


def _measure(rounds: int, environment: Mapping[str, str]) -> Imported:
    floor: list[float] = []
    threadline: list[float] = []
    langchain: list[float] = []
    loaded: tuple[str, ...] = ()
    for number in range(-1, rounds):
        base, _ = _spent("", "import msgspec, sqlite3, logging", environment)
        mine, loaded = _spent("", "import threadline", environment)
        more, _ = _spent(_FIRST, "import threadline.langchain", environment)
        if number >= 0:
            floor.append(base)
            threadline.append(mine)
            langchain.append(more)
    ratios = [mine / base for mine, base in zip(threadline, floor, strict=True)]
    return Imported(
        Spread.of(floor), Spread.of(threadline), Spread.of(ratios), Spread.of(langchain), loaded
    )


def _spent(
    before: str, measured: str, environment: Mapping[str, str]
) -> tuple[float, tuple[str, ...]]:
    command = [sys.executable, "-c", _PROBE.format(before=before, measured=measured)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    answer = ran.stdout.split()
    return int(answer[0]) / 1e6, tuple(answer[1:])
