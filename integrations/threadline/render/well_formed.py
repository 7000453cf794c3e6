"""Records whose every text can be written as UTF-8: of a lone surrogate `?` is left."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar, cast

import msgspec

from threadline.ids import storable

R = TypeVar("R", bound=msgspec.Struct)


def well_formed(record: R) -> R:
    """Return a copy of a record in which every text is valid Unicode."""
    fields = {name: _value(getattr(record, name)) for name in record.__struct_fields__}
    return msgspec.structs.replace(record, **fields)


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return well_formed(value)
    if isinstance(value, str) and not isinstance(value, Enum):
        return storable(value)
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {_value(key): _value(item) for key, item in items}
    if isinstance(value, tuple):
        return tuple(map(_value, cast("tuple[Any, ...]", value)))
    return list(map(_value, cast("list[Any]", value))) if isinstance(value, list) else value
