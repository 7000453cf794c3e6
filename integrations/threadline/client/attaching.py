"""Attaching to whole processes: every chain, graph or pipeline, without touching their code."""

from __future__ import annotations

import importlib
import sys
from typing import Final

from threadline.errors import ArgumentError, MissingExtraError

_FRAMEWORKS: Final = {
    "langchain": ("langchain_core", "threadline.langchain.attaching"),
    "haystack": ("haystack", "threadline.haystack.attaching"),
}


def attach(*frameworks: str) -> None:
    """Record every run of these frameworks in this process; doing it twice changes nothing.

    A handler that a call is given explicitly is used instead, never beside.

    Args:
        *frameworks: `langchain`, `haystack`; by default those of them imported so far.

    Raises:
        ArgumentError: if a framework is named that does not exist here.
        MissingExtraError: if a framework is named that is not installed.
    """
    for name in frameworks:
        if name not in _FRAMEWORKS:
            raise ArgumentError(
                argument="frameworks", value=name, allowed=" or ".join(map(repr, _FRAMEWORKS))
            )
    for name, (package, adapter) in _FRAMEWORKS.items():
        if name in frameworks or (not frameworks and package in sys.modules):
            try:
                module = importlib.import_module(adapter)
            except ModuleNotFoundError as error:
                if error.name is not None and error.name.split(".")[0] == package:
                    raise MissingExtraError(name, package) from error
                raise
            module.attach()


def detach() -> None:
    """Undo `attach`: new runs are no longer recorded; those under way are recorded to their end."""
    for _, adapter in _FRAMEWORKS.values():
        module = sys.modules.get(adapter)
        if module is not None:
            module.detach()
