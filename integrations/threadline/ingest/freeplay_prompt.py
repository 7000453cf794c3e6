"""Which prompt and which test a run belongs to, as the run itself names them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.ingest.freeplay_values import given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.model.span import Prompt

OWN: Final = "freeplay."
"""How keys of metadata begin that Freeplay's own packages read; each has a place of its own."""

_VERSIONS: Final = (f"{OWN}prompt_template.version.id", "prompt_version")
_ENVIRONMENTS: Final = (f"{OWN}environment", "prompt_environment")
_VARIABLES: Final = f"{OWN}input_variables"
_TEST: Final = {"test_run_id": f"{OWN}test_run.id", "test_case_id": f"{OWN}test_case.id"}


def prompt_fields(prompt: Prompt | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the version and the inputs of a completion, where they are known.

    What a template tells goes before what the metadata of the run does. Only Freeplay's own
    versions are UUIDs; others are not told.

    Example:
        >>> version = "8a1c8c52-0a6d-4d5f-9a53-0f3f3a7f9b11"
        >>> prompt_fields(None, {"prompt_version": version, "prompt_environment": "prod"})
        {'prompt_info': {'prompt_template_version_id': '8a1c8c52-0a6d-4d5f-9a53-0f3f3a7f9b11', \
'environment': 'prod'}}
        >>> prompt_fields(None, {"prompt_version": "v17"})
        {}
    """
    told = [] if prompt is None else [prompt.version]
    version = _uuid(next(filter(None, [*told, *_first(metadata, _VERSIONS)]), None))
    told = [] if prompt is None else [prompt.environment]
    environment = next(filter(None, [*told, *_first(metadata, _ENVIRONMENTS)]), None)
    info = {"prompt_template_version_id": version, "environment": environment}
    inputs = _variables(metadata) | (prompt.variables if prompt is not None else {})
    return given(
        {
            "prompt_info": None if version is None else given(info),
            "inputs": given(inputs) or None,
        }
    )


def case_of(metadata: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the test that a run is a part of, where the metadata names it."""
    found = {name: metadata.get(key) for name, key in _TEST.items()}
    known = {name: value for name, value in found.items() if isinstance(value, str)}
    return known if len(known) == len(_TEST) else None


def _first(metadata: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    return [str(metadata[key]) for key in keys if metadata.get(key)]


def _uuid(text: str | None) -> str | None:
    try:
        return None if text is None else str(uuid.UUID(text))
    except ValueError:
        return None


def _variables(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables that stand in metadata, also as JSON, as Freeplay's packages write them."""
    found = metadata.get(_VARIABLES)
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except msgspec.MsgspecError:
            return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
