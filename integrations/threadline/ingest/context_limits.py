"""Metadata as Context takes it: twenty keys, forty characters each, texts; what is cut says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.capture.losses import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_KEYS: Final = 20
MOST_CHARACTERS: Final = 40

_CUT: Final = "…"
_LEFT_OUT: Final = "left_out"


class ContextLimits:
    """Brings metadata within the limits, and warns once that this was necessary.

    Args:
        destination: The name of the destination, for the warning.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._has_warned = False

    def kept(self, pairs: Mapping[str, Any]) -> dict[str, str]:
        """Return what of `pairs` has a value, as short texts, the first ones first.

        A text that was cut ends in an ellipsis; how many keys had no room is told under a key of
        its own.
        """
        given = {key: _text(value) for key, value in pairs.items() if value is not None}
        kept = {_short(key): _short(value) for key, value in given.items()}
        if len(kept) > MOST_KEYS:
            first = dict(list(kept.items())[: MOST_KEYS - 1])
            kept = first | {_LEFT_OUT: f"{len(given) - len(first)} keys"}
        if kept != given:
            self._warn()
        return kept

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "threadline: metadata is cut for the destination %r: it takes %d keys, and %d"
                " characters of each key and value",
                self._destination,
                MOST_KEYS,
                MOST_CHARACTERS,
            )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[: MOST_CHARACTERS - len(_CUT)] + _CUT
