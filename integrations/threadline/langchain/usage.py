"""Tokens, finish reasons and model names, wherever a provider put them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.langchain.shapes import is_mapping
from threadline.model.span import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN: Final = ("input_tokens", "prompt_tokens")
_OUT: Final = ("output_tokens", "completion_tokens")
_FROM_CACHE: Final = ("cache_read", "cached_tokens")
_TO_CACHE: Final = ("cache_creation", "cache_write")
_REASONED: Final = ("reasoning", "reasoning_tokens")


def usage_of(message: object, llm_output: Mapping[str, Any] | None) -> Usage | None:
    """Return what a model call counted: on its message, else in the provider's own words."""
    metadata: Mapping[str, Any] = getattr(message, "response_metadata", None) or {}
    for counted in (
        getattr(message, "usage_metadata", None),
        metadata.get("token_usage"),
        metadata.get("usage"),
        (llm_output or {}).get("token_usage"),
        (llm_output or {}).get("usage"),
    ):
        if is_mapping(counted) and counted:
            usage = _read(counted)
            if usage.input_tokens is not None or usage.output_tokens is not None:
                return usage
    return None


def finish_reason_of(message: object, generation_info: Mapping[str, Any] | None) -> str | None:
    """Return why the model stopped, as the provider says."""
    metadata: Mapping[str, Any] = getattr(message, "response_metadata", None) or {}
    for source in (metadata, generation_info or {}):
        for key in ("finish_reason", "stop_reason", "done_reason"):
            if isinstance(source.get(key), str):
                return str(source[key])
    return None


def model_of(message: object, llm_output: Mapping[str, Any] | None) -> str | None:
    """Return the model that answered, where it says so."""
    metadata: Mapping[str, Any] = getattr(message, "response_metadata", None) or {}
    for source in (metadata, llm_output or {}):
        for key in ("model_name", "model"):
            if isinstance(source.get(key), str):
                return str(source[key])
    return None


def _read(counted: Mapping[str, Any]) -> Usage:
    inputs: Any = counted.get("input_token_details") or counted.get("prompt_tokens_details") or {}
    outputs: Any = (
        counted.get("output_token_details") or counted.get("completion_tokens_details") or {}
    )
    return Usage(
        input_tokens=_first(counted, _IN),
        output_tokens=_first(counted, _OUT),
        cache_read_tokens=_first(inputs, _FROM_CACHE),
        cache_write_tokens=_first(inputs, _TO_CACHE),
        reasoning_tokens=_first(outputs, _REASONED),
    )


def _first(source: Any, keys: tuple[str, str]) -> int | None:
    if not source or not is_mapping(source):
        return None
    for key in keys:
        value = source.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
