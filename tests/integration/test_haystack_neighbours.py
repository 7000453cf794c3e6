"""Beside other integrations of Haystack, in folders that belong to nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distribution

import pytest

# What each integration puts into which of the shared folders.
_OURS = (
    "haystack_integrations.components.connectors.threadline",
    "haystack_integrations.tracing.threadline",
)
_NEIGHBOURS = {
    "langfuse-haystack": (
        "haystack_integrations.components.connectors.langfuse",
        "haystack_integrations.tracing.langfuse",
    ),
    "opentelemetry-haystack": ("haystack_integrations.tracing.opentelemetry",),
    "mcp-haystack": ("haystack_integrations.tools.mcp",),
}

_IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    print(name, importlib.import_module(name).__file__)
"""


def _is_editable(package: str) -> bool:
    told = distribution(package).read_text("direct_url.json")
    return told is not None and bool(json.loads(told).get("dir_info", {}).get("editable"))


def _files(names: tuple[str, ...]) -> dict[str, str]:
    """Import modules in this order, in a program of their own; return where each was found."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _IMPORT, *names],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_an_editable_install_leaves_its_neighbours_importable(first: str) -> None:
    """All are found in either order, ours in the checkout and theirs where packages are."""
    assert _is_editable("threadline")
    assert not any(map(_is_editable, _NEIGHBOURS))
    theirs = tuple(name for names in _NEIGHBOURS.values() for name in names)
    files = _files((*_OURS, *theirs) if first == "ours" else (*theirs, *_OURS))
    assert files.keys() == {*_OURS, *theirs}
    assert all("site-packages" in files[name] for name in theirs)
    assert not any("site-packages" in files[name] for name in _OURS)


def test_no_two_integrations_own_one_file() -> None:
    """What is ours is in nobody else's package, so that removing one breaks no other."""
    mine = tuple(f"{name.replace('.', '/')}/" for name in _OURS)
    for package, names in _NEIGHBOURS.items():
        theirs = {str(file) for file in distribution(package).files or ()}
        assert not any(file.startswith(mine) for file in theirs)
        assert {f"{name.replace('.', '/')}/__init__.py" for name in names} <= theirs
