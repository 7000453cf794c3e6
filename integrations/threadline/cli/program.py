"""What the user has to type to start this program again."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "threadline"


def program_name() -> str:
    """Return `threadline`; with its path where it lives in an environment that is not activated."""
    started = Path(sys.argv[0])
    folder = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin")
    is_activated = os.environ.get("VIRTUAL_ENV") == sys.prefix
    if started.stem != _NAME or started.parent != folder or is_activated:
        return _NAME
    if started.is_relative_to(Path.cwd()):
        started = started.relative_to(Path.cwd())
    return shlex.quote(str(started))
