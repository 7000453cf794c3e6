"""Shapes of untyped values, told to the type checker once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from haystack.dataclasses import ChatMessage


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether `value` can be asked for keys; a dict is told fastest."""
    return isinstance(value, _MAPPINGS)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether `value` can be written to by key."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether `value` is a list or a tuple."""
    return isinstance(value, _LISTS)


def messages_in(value: object) -> list[ChatMessage]:
    """Return the messages that `value` is or holds; none if it holds anything else."""
    if isinstance(value, ChatMessage):
        return [value]
    if not is_list(value) or not value:
        return []
    is_plain = set(map(type, value)) == _MESSAGE  # without a step of Python for each
    return list(value) if is_plain or all(isinstance(one, ChatMessage) for one in value) else []


_MESSAGE: Final = {ChatMessage}
_LISTS: Final = (list, tuple)
_MAPPINGS: Final = (dict, Mapping)
