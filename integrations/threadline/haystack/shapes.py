"""Shapes of untyped values, told to the type checker once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from haystack.dataclasses import ChatMessage


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether `value` can be asked for keys; a dict is told fastest."""
    return isinstance(value, dict | Mapping)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether `value` is a list or a tuple."""
    return isinstance(value, list | tuple)


def messages_in(value: object) -> list[ChatMessage]:
    """Return the messages that `value` is or holds; none if it holds anything else."""
    if isinstance(value, ChatMessage):
        return [value]
    if is_list(value) and value and all(isinstance(item, ChatMessage) for item in value):
        return list(value)
    return []
