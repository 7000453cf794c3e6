"""What objects of the model can do that takes more than the model: drawing, rating, data frames.

The model stands below the layers that do such things and must not know them. `threadline` itself
says here where each is done; it is loaded when it is first asked for, so that recording pays
nothing for it.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

_places: Final[dict[str, tuple[str, str]]] = {}


def offer(action: str, module: str, function: str) -> None:
    """Say which function of which module does `action`."""
    _places[action] = module, function


def act(action: str, *args: Any, **named: Any) -> Any:
    """Do `action` with these arguments."""
    module, function = _places[action]
    return getattr(importlib.import_module(module), function)(*args, **named)
