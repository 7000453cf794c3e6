"""Shapes of untyped values, told to the type checker once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether `value` can be asked for keys; the usual kinds are told fastest."""
    kind = type(value)
    return kind is dict or (kind not in _NO_MAPPINGS and isinstance(value, _MAPPINGS))


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether `value` is a list or a tuple."""
    return isinstance(value, _LISTS)


# A union would be made anew at every call.
_MAPPINGS: Final = (dict, Mapping)
_LISTS: Final = (list, tuple)
_NO_MAPPINGS: Final = frozenset({str, int, bool, float, type(None), list, tuple})
