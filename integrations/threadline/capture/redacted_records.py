"""Records with more taken out of them than was when they were recorded, for showing to others."""

from __future__ import annotations

import secrets
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from threadline.capture.redaction import Redactor
from threadline.model import Conversation, Decision, Message, Span, ToolObservation, Turn
from threadline.model.difference import Compared, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.settings import RedactRule

R = TypeVar("R")

_WORDS_OF_OURS: Final[dict[type, frozenset[str]]] = {
    Compared: frozenset({"what"}),
    Conversation: frozenset({"id_source"}),
    Decision: frozenset({"kind"}),
    Line: frozenset({"sign"}),
    Message: frozenset({"role", "kind"}),
    Span: frozenset({"kind", "status"}),
    ToolObservation: frozenset({"outcome"}),
    Turn: frozenset({"kind"}),
}
"""Fields that hold a word of a closed set; no rule may change those."""
_IDS: Final = frozenset({"id", "continues", "branches_from"})
_ID_LISTS: Final = frozenset({"span_ids", "superseded"})


def redactor_of(
    rules: str | Sequence[RedactRule] | None, *, key: bytes | None = None
) -> Redactor | None:
    """Return what redacts by these rules; None if there are none.

    Ids that a rule matches are hashed with a key: by default one of this redactor alone, so that
    equal ones stay equal within what it redacts, and tell nothing beyond.

    Raises:
        SettingError: for a rule that does not exist.
    """
    if not rules:
        return None
    names = [rules] if isinstance(rules, str) else list(rules)
    return Redactor.compile(names, key=key or secrets.token_bytes(32))


def redacted_record(record: R, redactor: Redactor) -> R:
    """Return a copy with every text redacted, and every id that a rule matches as a keyed hash.

    Bytes stay as they are: no rule can read a picture.
    """
    if not isinstance(record, msgspec.Struct):
        return record
    kept = _WORDS_OF_OURS.get(type(record), frozenset())
    changed = {
        name: _field(name, getattr(record, name), redactor)
        for name in record.__struct_fields__
        if name not in kept
    }
    return cast("R", msgspec.structs.replace(record, **changed))


def _field(name: str, value: Any, redactor: Redactor) -> Any:
    is_id = name in _IDS or name.endswith("_id")
    if isinstance(value, str) and is_id:
        return redactor.identifier(value)
    if name in _ID_LISTS:
        return tuple(map(redactor.identifier, value))
    return _value(value, redactor)


def _value(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, msgspec.Struct):
        return redacted_record(value, redactor)
    if isinstance(value, tuple):
        return tuple(_value(item, redactor) for item in cast("tuple[Any, ...]", value))
    if isinstance(value, bytes | Enum):
        return value
    return redactor.value(value)
