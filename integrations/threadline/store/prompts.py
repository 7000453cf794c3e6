"""Prompts without what they repeat: variables that the rendered prompt shows are references.

Each call of a template stores one, so the keys are short: `vars` are variables as they are, `at`
those that stand in a message: its place, counted from the last, and which part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHORTEST: Final = 32
_KEPT: Final = "vars"
_PLACES: Final = "at"
_FORMERLY: Final = {_KEPT: "variables", _PLACES: "slices"}


def without_repeats(prompt: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return `prompt` with its long variables as places in the messages that show them.

    Args:
        prompt: Name, version, environment and `variables`.
        texts: The texts of the call's input messages.

    Example:
        >>> words = "How long may I keep a borrowed book?"
        >>> without_repeats({"name": "p", "variables": {"q": words}}, ["Be kind.", f"Q: {words}"])
        {'name': 'p', 'at': {'q': [-1, 3, 36]}}
    """
    variables: Mapping[str, Any] = prompt.get("variables") or {}
    places = {name: place for name, value in variables.items() if (place := _place(value, texts))}
    if not places:
        return dict(prompt)
    told = {key: value for key, value in prompt.items() if key != "variables"}
    kept = {name: value for name, value in variables.items() if name not in places}
    return {**told, **({_KEPT: kept} if kept else {}), _PLACES: places}


def with_repeats(prompt: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return the variables of a prompt as they were, from what `without_repeats` returned.

    Example:
        >>> with_repeats({"vars": {"n": 2}, "at": {"q": [-1, 3, 4]}}, ["Q: When?"])
        {'n': 2, 'q': 'When'}
    """
    variables = dict(_read(prompt, _KEPT))
    places: Mapping[str, Sequence[int]] = _read(prompt, _PLACES)
    for name, (index, *cut) in places.items():
        text = texts[index] if -len(texts) <= index < len(texts) else ""
        start, length = cut or (0, len(text))
        variables[name] = text[start : start + length]
    return variables


def _read(prompt: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return prompt.get(key) or prompt.get(_FORMERLY[key]) or {}


def _place(value: object, texts: Sequence[str]) -> list[int] | None:
    if not isinstance(value, str) or len(value) < _SHORTEST:
        return None
    for index in range(-1, -len(texts) - 1, -1):
        start = texts[index].find(value)
        if start >= 0:
            is_all = len(value) == len(texts[index])
            return [index] if is_all else [index, start, len(value)]
    return None
