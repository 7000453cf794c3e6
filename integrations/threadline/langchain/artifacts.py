"""What a tool returned beside its words: for the application, never for the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from threadline.capture.plain import json_of

if TYPE_CHECKING:
    from collections.abc import Sized

_MOST_BYTES: Final = 65_536
_MOST_ITEMS: Final = 100
_SIZED: Final[frozenset[type]] = frozenset({str, bytes, list, tuple, dict})


def artifact_json(artifact: object) -> bytes:
    """Return a tool's artifact as an attribute of its span; of a large one only what it is.

    Example:
        >>> artifact_json({"rows": 2})
        b'{"artifact":{"rows":2}}'
        >>> artifact_json(b"0" * 100_000)
        b'{"artifact":"<bytes of 100,000>"}'
    """
    kind = type(artifact)
    size = len(cast("Sized", artifact)) if kind in _SIZED else 0
    most = _MOST_BYTES if kind in {str, bytes} else _MOST_ITEMS
    if size <= most:
        data = json_of({"artifact": artifact})
        if len(data) <= _MOST_BYTES:
            return data
        size = len(data)
    return json_of({"artifact": f"<{kind.__name__} of {size:,}>"})
