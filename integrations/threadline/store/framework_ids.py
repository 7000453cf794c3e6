"""Frameworks' message ids, written compactly."""

from __future__ import annotations

from typing import overload

from threadline.ids import pack_id, unpack_id


@overload
def pack_framework_id(text: str) -> bytes | str: ...
@overload
def pack_framework_id(text: None) -> None: ...
def pack_framework_id(text: str | None) -> bytes | str | None:
    """Write a framework's message id compactly: LangChain derives most from a run's UUID.

    Example:
        >>> text = "lc_run--0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f-0"
        >>> len(pack_framework_id(text)), unpack_framework_id(pack_framework_id(text)) == text
        (17, True)
    """
    if text is None:
        return None
    if text.startswith("lc_run--"):
        inner, mark = text[8:], b"\x02"
        if inner.endswith("-0"):
            inner, mark = inner[:-2], b"\x01"
        packed = pack_id(inner)
        return mark + packed if isinstance(packed, bytes) else text
    packed = pack_id(text)
    return b"\x00" + packed if isinstance(packed, bytes) else text


@overload
def unpack_framework_id(packed: bytes | str) -> str: ...
@overload
def unpack_framework_id(packed: None) -> None: ...
def unpack_framework_id(packed: bytes | str | None) -> str | None:
    """Read what `pack_framework_id` wrote."""
    if packed is None or isinstance(packed, str):
        return packed
    text = unpack_id(packed[1:])
    return {0: text, 1: f"lc_run--{text}-0", 2: f"lc_run--{text}"}[packed[0]]


def run_named_by(framework_id: str | None) -> str | None:
    """Return the run that a message id of LangChain's names, as a UUID's text.

    Example:
        >>> run_named_by("lc_run--0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f-0")
        '0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f'
    """
    packed = pack_framework_id(framework_id) if framework_id is not None else None
    return unpack_id(packed[1:]) if isinstance(packed, bytes) and packed[0] else None
