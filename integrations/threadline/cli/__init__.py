"""The command line. Its entry point is `main`; click and rich come with the extra `cli`."""

from __future__ import annotations

import sys
from typing import Final

from threadline.errors import MissingExtraError

_PACKAGES: Final = frozenset({"click", "rich"})


def main() -> None:
    """Run the command line, or say which extra brings what it needs."""
    try:
        from threadline.cli.app import run
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        sys.stderr.write(f"threadline: {MissingExtraError('cli', package)}\n")
        sys.exit(1)
    run()
