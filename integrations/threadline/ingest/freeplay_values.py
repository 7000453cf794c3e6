"""Values as Freeplay takes them: flat metadata, times in its two forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from threadline.model.openai_chat import value_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar = str | int | float | bool

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def flat(*mappings: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return metadata with texts, numbers and truth values only; of a key the first one counts.

    Example:
        >>> flat({"plan": "pro", "seats": None}, {"plan": "free", "tags": ["a", "b"]})
        {'plan': 'pro', 'tags': '["a","b"]'}
    """
    found: dict[str, Scalar] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            if value is not None and value != () and key not in found:
                found[key] = value if isinstance(value, Scalar) else value_as_text(value)
    return found


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are there at all."""
    return {name: value for name, value in fields.items() if value is not None}


def seconds(at_ns: int) -> float:
    """Return a time as a completion has it: seconds since 1970."""
    return at_ns / 1e9


def iso(at_ns: int | None) -> str | None:
    """Return a time as a trace has it: ISO 8601 with an offset.

    Example:
        >>> iso(1_000_000_001_500_000_000)
        '2001-09-09T01:46:41.500000+00:00'
    """
    return None if at_ns is None else (_EPOCH + timedelta(microseconds=at_ns // 1000)).isoformat()
