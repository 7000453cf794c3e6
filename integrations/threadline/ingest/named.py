"""Destinations by their names: what the environment names, and what other packages bring."""

from __future__ import annotations

import importlib.metadata
import os
from typing import TYPE_CHECKING, Any, Final

from threadline.errors import SettingError, ThreadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from threadline.ingest.destination import Destination

GROUP: Final = "threadline.destinations"
"""The entry points by which other packages bring destinations: callables without arguments."""


def destinations_from(
    given: Iterable[Any],
    *,
    warn: Callable[[str, str], None],
    environ: Mapping[str, str] | None = None,
) -> tuple[Destination, ...]:
    """Return the destinations that the setting `destinations` lists, by name or as they are.

    Args:
        given: Destinations, or names of kinds that read their settings from the environment.
        warn: Told of each that cannot be made, and why; what it would get waits in the outbox.
        environ: Environment variables; the process's own by default.
    """
    made: list[Destination] = []
    for item in given:
        try:
            made.append(named(item, environ) if isinstance(item, str) else item)
        except Exception as error:  # noqa: BLE001 (a package's own code; recording goes on)
            told = str(error) if isinstance(error, ThreadlineError) else type(error).__name__
            warn(f"nothing is shipped to the destination {item!r}", told)
    return tuple(made)


def named(name: str, environ: Mapping[str, str] | None = None) -> Destination:
    """Make the destination of this name from the environment.

    Raises:
        SettingError: if there is no such kind, or it lacks a setting.
    """
    own = _OWN.get(name)
    if own is not None:
        return own(os.environ if environ is None else environ)
    found = importlib.metadata.entry_points(group=GROUP)
    if name in found.names:
        return found[name].load()()
    known = ", ".join(sorted({*_OWN, *found.names}))
    allowed = f"a destination object, or one of {known}"
    raise SettingError(setting="destinations", value=name, allowed=allowed)


def _json_lines(environ: Mapping[str, str]) -> Destination:
    from threadline.ingest.json_lines import JsonLines

    path = environ.get("THREADLINE_JSONL_PATH")
    if not path:
        allowed = "the path of the file to append to"
        raise SettingError(setting="THREADLINE_JSONL_PATH", value=path, allowed=allowed)
    return JsonLines(path)


def _otlp(_environ: Mapping[str, str]) -> Destination:
    from threadline.ingest.otlp import Otlp

    return Otlp()  # it reads the standard variables itself


def _freeplay(_environ: Mapping[str, str]) -> Destination:
    from threadline.ingest.freeplay import Freeplay

    return Freeplay()  # it reads its variables itself


def _context(_environ: Mapping[str, str]) -> Destination:
    from threadline.ingest.context_api import ContextApi

    return ContextApi()  # it reads its variables itself


_OWN: Final[dict[str, Callable[[Mapping[str, str]], Destination]]] = {
    "context": _context,
    "freeplay": _freeplay,
    "jsonl": _json_lines,
    "otlp": _otlp,
}
