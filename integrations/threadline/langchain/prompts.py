"""Where a model's input came from: prompt variables and versions, parameters, tool definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.plain import json_of
from threadline.langchain.messages import messages_in
from threadline.langchain.shapes import is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_KEYS: Final = ("prompt_name", "lc_hub_repo")
_VERSION_KEYS: Final = ("prompt_version", "lc_hub_commit_hash")
_ENVIRONMENT_KEYS: Final = ("prompt_environment",)


def prompt_used(inputs: object, name: str, metadata: Mapping[str, Any] | None) -> bytes:
    """Return, as JSON, which prompt a template made with which variables.

    Name, version and environment come from the run's metadata (`prompt_name`, `prompt_version`,
    `prompt_environment`, or what the LangSmith hub writes), the name else from a template that
    was given one.
    """
    metadata = metadata or {}
    prompt: dict[str, Any] = {}
    own = None if name.endswith("PromptTemplate") else name
    if (given := _first(metadata, _NAME_KEYS) or own) is not None:
        prompt["name"] = given
    version = _first(metadata, _VERSION_KEYS)
    environment = _first(metadata, _ENVIRONMENT_KEYS)
    if version is not None:
        prompt["version"] = version
    if environment is not None:
        prompt["environment"] = environment
    if is_mapping(inputs):
        prompt["variables"] = {str(key): _variable(value) for key, value in inputs.items()}
    return json_of(prompt)


def parameters_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model call's parameters and, apart, the definitions of the tools it was offered."""
    kept = {
        key: value
        for key, value in params.items()
        if value is not None and key not in {"tools", "_type", "functions"}
    }
    found: dict[str, Any] = {"parameters": kept}
    tools = params.get("tools") or params.get("functions")
    if tools:
        found["tools"] = tools
    return found


def _variable(value: object) -> object:
    """Messages among the variables stand in the call's input already."""
    messages = messages_in(value)
    return value if messages is None else f"<{len(messages)} messages>"


def _first(metadata: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if metadata.get(key) is not None:
            return str(metadata[key])
    return None
