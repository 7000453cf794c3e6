"""How bodies and values are written into columns: plain text, JSON, and large values as blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

import msgspec

from threadline.ids import keyed_digest
from threadline.model.parts import Part, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.model.message import Body

BLOB_LIMIT: Final = 16_384
"""Values whose JSON is longer than this have their large strings moved into blobs."""

_STRING_LIMIT: Final = 4_096
_BLOB_KEY: Final = "$blob"
_BYTES_KEY: Final = "$bytes"
_SHELVED: Final = frozenset({_BLOB_KEY, _BYTES_KEY})

encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode_json: Final = msgspec.json.Decoder().decode


class BlobShelf:
    """Collects large values by the digest of their bytes; the transaction writes them once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.blobs: dict[bytes, bytes] = {}

    def put(self, data: bytes) -> bytes:
        """Keep `data` and return its digest."""
        digest = keyed_digest(data, self._key)
        self.blobs[digest] = data
        return digest


def pack_body(body: Body, shelf: BlobShelf) -> tuple[str | None, str | None]:
    """Return what goes into the columns `text` and `parts`: one of them is None."""
    parts = body.parts
    if len(parts) == 1 and isinstance(parts[0], TextPart) and parts[0].extra is None:
        text = parts[0].content
        if len(text) <= BLOB_LIMIT:
            return text, None
    return None, pack_value(parts, shelf)


def pack_value(value: object, shelf: BlobShelf) -> str:
    """Write any JSON-like value; its large strings and bytes go to the shelf."""
    data = encode_json(value)
    if len(data) <= BLOB_LIMIT:
        return data.decode()
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    return encode_json(_shelve(plain, shelf)).decode()


def unpack_parts(
    text: str | None, parts: str | None, blob: Callable[[bytes], bytes | None]
) -> tuple[Part, ...]:
    """Read what `pack_body` wrote; `blob` gives a blob's bytes by digest."""
    if parts is None:
        return () if text is None else (TextPart(text),)
    if _BLOB_KEY not in parts:
        return msgspec.json.decode(parts, type=tuple[Part, ...])
    return msgspec.convert(unpack_value(parts, blob), type=tuple[Part, ...])


def unpack_value(text: str | None, blob: Callable[[bytes], bytes | None]) -> Any:
    """Read what `pack_value` wrote."""
    if text is None:
        return None
    value = _decode_json(text)
    return _unshelve(value, blob) if _BLOB_KEY in text else value


def _shelve(value: Any, shelf: BlobShelf) -> Any:
    if isinstance(value, str):
        if len(value) <= _STRING_LIMIT:
            return value
        return {_BLOB_KEY: shelf.put(value.encode()).hex()}
    if isinstance(value, bytes):
        return {_BLOB_KEY: shelf.put(value).hex(), _BYTES_KEY: True}
    if _is_dict(value):
        return {key: _shelve(item, shelf) for key, item in value.items()}
    return [_shelve(item, shelf) for item in value] if _is_list(value) else value


def _unshelve(value: Any, blob: Callable[[bytes], bytes | None]) -> Any:
    if _is_list(value):
        return [_unshelve(item, blob) for item in value]
    if not _is_dict(value):
        return value
    digest = value.get(_BLOB_KEY)
    data = _fetch(digest, blob) if isinstance(digest, str) and value.keys() <= _SHELVED else None
    if data is None:
        return {key: _unshelve(item, blob) for key, item in value.items()}
    # JSON has no bytes: parts take them as base64, as the encoder wrote small ones
    return msgspec.to_builtins(data) if _BYTES_KEY in value else data.decode()


def _is_dict(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def _fetch(digest: str, blob: Callable[[bytes], bytes | None]) -> bytes | None:
    try:
        return blob(bytes.fromhex(digest))
    except ValueError:
        return None
