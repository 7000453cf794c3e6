"""Any Python value as plain data that can be encoded: cycles, foreign objects and all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

_MAX_DEPTH: Final = 24
_MAX_REPR: Final = 2_000
_KEPT_AS_IT_IS: Final = (int, float, bool, type(None), bytes)

S = TypeVar("S", bound=msgspec.Struct)

_encode_json: Final = msgspec.json.Encoder(order=None, decimal_format="string").encode


def json_of(value: Any) -> bytes:
    """Return `value` as JSON, whatever it holds; never raises.

    Example:
        >>> json_of({"z": {1}, "a": 2 + 3j})
        b'{"z":[1],"a":"(2+3j)"}'
    """
    try:
        return _encode_json(value)
    except Exception:  # noqa: BLE001 (foreign values, cycles, lone surrogates)
        return _encode_json(plain(value))


def plain_struct(struct: S) -> S:
    """Return a copy of a struct whose free values are `plain` and whose texts can be encoded."""
    fields = {name: _plain_field(getattr(struct, name)) for name in struct.__struct_fields__}
    return type(struct)(**fields)


def plain(value: Any) -> Any:
    """Return `value` as builtins that msgpack and JSON can carry; never raises.

    What cannot be carried becomes its `repr`, cut at 2,000 characters; a cycle becomes "<cycle>".

    Example:
        >>> plain({"when": {1, }, ("a", 1): 2 + 3j})
        {'when': [1], "('a', 1)": '(2+3j)'}
    """
    return _plain(value, 0, ())


def _plain_field(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain_struct(value)
    if isinstance(value, tuple):
        return tuple(_plain_field(item) for item in value)  # pyright: ignore[reportUnknownVariableType] (values of any kind)
    return plain(value)


def clean_text(text: str) -> str:
    """Return `text` without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _plain(value: Any, depth: int, above: tuple[int, ...]) -> Any:
    if isinstance(value, str):
        return clean_text(str(value))
    if type(value) in _KEPT_AS_IT_IS:
        return _fitting(value)
    if id(value) in above:
        return "<cycle>"
    if depth >= _MAX_DEPTH:
        return "<too deep>"
    inner = (*above, id(value))
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth, inner)  # pyright: ignore[reportUnknownArgumentType] (values of any kind)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1, inner) for item in value]  # pyright: ignore[reportUnknownVariableType] (values of any kind)
    return _foreign(value, depth, inner)


def _fitting(value: Any) -> Any:
    """Integers beyond 64 bits and NaN have no place in JSON or msgpack."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _plain_mapping(value: Mapping[Any, Any], depth: int, inner: tuple[int, ...]) -> dict[str, Any]:
    try:
        items: Iterable[tuple[Any, Any]] = list(value.items())
    except Exception:  # noqa: BLE001 (a mapping of the application's, or one that changes meanwhile)
        return {"<unreadable>": type(value).__name__}
    return {
        clean_text(key if isinstance(key, str) else _repr(key)): _plain(item, depth + 1, inner)
        for key, item in items
    }


def _foreign(value: Any, depth: int, inner: tuple[int, ...]) -> Any:
    """Objects that say how they are dumped, msgspec's own kinds, and the rest by its repr.

    Example:
        >>> class Exact:  # as numpy's longdouble, whose item is no number of Python's
        ...     dtype, item, __repr__ = "f16", lambda _: Exact(), lambda _: "1.5"
        >>> plain(Exact())
        '1.5'
    """
    if isinstance(value, type):
        return f"<class {value.__name__}>"
    try:
        dump = getattr(value, "model_dump", None)
        if callable(dump):
            return _plain(dump(), depth + 1, inner)
        if hasattr(value, "dtype") and not getattr(value, "shape", ()):  # a number of numpy's kind
            number = value.item()
            if type(number) is not type(value):
                return _plain(number, depth + 1, inner)
        return _plain(msgspec.to_builtins(value, str_keys=True), depth + 1, inner)
    except Exception:  # noqa: BLE001 (foreign code runs here)
        return _repr(value)


def _repr(value: Any) -> str:
    try:
        return clean_text(repr(value)[:_MAX_REPR])
    except Exception:  # noqa: BLE001 (foreign code runs here)
        return f"<{type(value).__name__}>"
