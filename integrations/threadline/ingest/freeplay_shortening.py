"""Cuts what a body says down to a length, and says in it what was cut."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

_SHORTEST: Final = 200
_MEDIA: Final = frozenset({"image_url", "input_audio", "file"})
"""Types of content of which a part is of no use."""


def shortened(body: dict[str, Any], limit: int) -> bytes:
    """Return a body as JSON of at most `limit` bytes, where cutting long texts can do that.

    The longest texts lose their ends, pictures, sounds and files go whole; each says so.

    Example:
        >>> shortened({"input": "a" * 900, "name": "x"}, 400)[-64:]
        b'aaaaaaaaa[700 of 900 characters left out: too long]","name":"x"}'
    """
    longest = limit // 2
    encoded = _encoded(_cut(body, longest))
    while len(encoded) > limit and longest > _SHORTEST:
        longest = max(_SHORTEST, longest // 2)
        encoded = _encoded(_cut(body, longest))
    return encoded


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return _cut_text(value, longest)
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if found.get("type") in _MEDIA and (size := len(_encoded(found))) > longest:
            return {"type": "text", "text": f"[{found['type']} of {size} bytes left out: too long]"}
        return {name: _cut(item, longest) for name, item in found.items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in cast("list[Any]", value)]
    return value


def _cut_text(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    left_out = len(text) - longest
    return f"{text[:longest]}[{left_out} of {len(text)} characters left out: too long]"


def _encoded(body: Any) -> bytes:
    return msgspec.json.encode(body, enc_hook=str)
