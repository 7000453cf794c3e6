"""Tokens, finish reasons and model names, as generators put them into a reply's `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import Detail
from threadline.haystack.shapes import is_mapping
from threadline.model.span import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN: Final = ("prompt_tokens", "input_tokens")
_OUT: Final = ("completion_tokens", "output_tokens")
_IN_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details")
_OUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details")


def detail_of(meta: object) -> Detail:
    """Return what a reply's `meta` tells of its model call."""
    if not is_mapping(meta):
        return Detail()
    model = meta.get("model")
    reason = meta.get("finish_reason") or meta.get("stop_reason")
    return Detail(
        model=model if isinstance(model, str) else None,
        usage=_usage_of(meta.get("usage")),
        finish_reason=reason if isinstance(reason, str) else None,
    )


def _usage_of(counted: object) -> Usage | None:
    if not is_mapping(counted) or not counted:
        return None
    inputs = _first_mapping(counted, _IN_DETAILS)
    outputs = _first_mapping(counted, _OUT_DETAILS)
    cached = _first(inputs, "cached_tokens")
    usage = Usage(
        input_tokens=_first(counted, *_IN),
        output_tokens=_first(counted, *_OUT),
        cache_read_tokens=_first(counted, "cache_read_input_tokens") if cached is None else cached,
        cache_write_tokens=_first(counted, "cache_creation_input_tokens"),
        reasoning_tokens=_first(outputs, "reasoning_tokens"),
    )
    counts = (usage.input_tokens, usage.output_tokens)
    return None if counts == (None, None) else usage


def _first_mapping(source: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, Any]:
    for key in keys:
        value = source.get(key)
        if is_mapping(value):
            return value
    return {}


def _first(source: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = source.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
