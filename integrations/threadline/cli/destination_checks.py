"""What `doctor` finds out about destinations: each is asked once, and nothing is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.cli.finding import Finding
from threadline.ingest.named import destinations_from
from threadline.ingest.trying import check_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.settings import Settings

_TOPIC: Final = "Destinations"
_TIMEOUT_S: Final = 5.0


def find_out(settings: Settings) -> Iterator[Finding]:
    """Ask each destination whether it would take anything."""
    for given in settings.destinations:
        name = given if isinstance(given, str) else str(given.name)
        wrong = _what_is_wrong(given)
        if wrong:
            yield Finding(_TOPIC, name, "cannot be used now", "bad", "; ".join(wrong))
        else:
            yield Finding(_TOPIC, name, "can be used", "good")


def _what_is_wrong(given: Any) -> list[str]:
    wrong: list[str] = []
    for destination in destinations_from([given], warn=lambda _, why: wrong.append(why)):
        told = check_once(destination, _TIMEOUT_S)
        if told is not None:
            wrong.append(told)
    return wrong
