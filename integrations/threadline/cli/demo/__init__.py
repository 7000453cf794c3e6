"""`threadline demo`: a real agent with tools and memory, and the record of its talk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from threadline.errors import MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_PACKAGES: Final = frozenset({"langchain", "langchain_core", "langchain_openai", "langgraph"})


def run_demo(console: Console, store_path: Path | None = None, *, pace: float = 1.0) -> None:
    """Let an agent talk for four turns, show each as it happens, then what was recorded.

    Args:
        console: Where to write.
        store_path: The store to record into; by default the default one.
        pace: How long the tools and the scripted model take; 0 for no time at all.

    Raises:
        MissingExtraError: if a package is missing that the extra `demo` brings.
        EndpointError: if the user's own endpoint does not answer.
        StoreError: if the store cannot be used.
    """
    try:
        from threadline.cli.demo.play import play

        play(console, store_path, pace=pace)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        extra = "demo"
        raise MissingExtraError(extra, package) from error


def run_haystack_demo(console: Console, store_path: Path | None = None) -> None:
    """Let an agent of Haystack talk for two turns, and show what was recorded.

    Args:
        console: Where to write.
        store_path: The store to record into; by default the default one.

    Raises:
        MissingExtraError: if Haystack is missing.
        StoreError: if the store cannot be used.
    """
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # a demo reports to nobody
    try:
        from threadline.cli.demo.haystack_talk import play_haystack

        play_haystack(console, store_path)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "haystack":
            raise
        extra = "haystack"
        raise MissingExtraError(extra, "haystack-ai") from error
