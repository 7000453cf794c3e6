"""Prompts without what they repeat: variables that the rendered prompt shows are references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHORTEST: Final = 32
_SLICES: Final = "slices"


def without_repeats(prompt: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return `prompt` with its long variables as places in the messages that show them.

    Args:
        prompt: Name, version, environment and `variables`.
        texts: The texts of the call's input messages.

    Example:
        >>> words = "How long may I keep a borrowed book?"
        >>> without_repeats({"name": "p", "variables": {"q": words}}, ["Be kind.", f"Q: {words}"])
        {'name': 'p', 'variables': {}, 'slices': {'q': [1, 3, 36]}}
    """
    variables: Mapping[str, Any] = prompt.get("variables") or {}
    slices = {name: place for name, value in variables.items() if (place := _place(value, texts))}
    if not slices:
        return dict(prompt)
    kept = {name: value for name, value in variables.items() if name not in slices}
    return {**prompt, "variables": kept, _SLICES: slices}


def with_repeats(prompt: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return the variables of a prompt as they were, from what `without_repeats` returned.

    Example:
        >>> with_repeats({"variables": {"n": 2}, "slices": {"q": [0, 3, 4]}}, ["Q: When?"])
        {'n': 2, 'q': 'When'}
    """
    variables = dict(prompt.get("variables") or {})
    slices: Mapping[str, Sequence[int]] = prompt.get(_SLICES) or {}
    for name, (index, *cut) in slices.items():
        text = texts[index] if index < len(texts) else ""
        start, length = cut or (0, len(text))
        variables[name] = text[start : start + length]
    return variables


def _place(value: object, texts: Sequence[str]) -> list[int] | None:
    if not isinstance(value, str) or len(value) < _SHORTEST:
        return None
    for index in range(len(texts) - 1, -1, -1):
        start = texts[index].find(value)
        if start >= 0:
            is_all = len(value) == len(texts[index])
            return [index] if is_all else [index, start, len(value)]
    return None
