"""How the sources are laid out: names, sizes, and what must not be written into them."""

import re
import subprocess
from pathlib import Path

import pytest

_MAX_LINES = 400
# Files that may be longer, each with its reason.
_OVER_BUDGET: dict[str, str] = {}

# Names that say nothing about what a module is for.
_EMPTY_NAMES = re.compile(r"_?(utils?|helpers?|managers?|common|misc|base|core)")

# Written so that none of these expressions finds itself.
_MACHINE_TRACES = {
    "a path of one machine": re.compile(r"(?<![\w.~-])/(?:work|root|Users|opt/pypi)/"),
    "a package index": re.compile(
        r"pypi[.]org/simple|files[.]pythonhosted[.]org|registry[.]npmjs[.]org|"
        r"-{2}(?:extra-)?index-url|-{2}find-links|-{2}trusted-host"
    ),
}


def test_no_file_is_too_long(source_root: Path) -> None:
    """A file that outgrows the limit is split by responsibility, or listed with its reason."""
    lengths = {
        path.relative_to(source_root).as_posix(): len(path.read_bytes().splitlines())
        for path in source_root.rglob("*.py")
    }
    too_long = {name: count for name, count in lengths.items() if count > _MAX_LINES}
    assert set(too_long) == set(_OVER_BUDGET), too_long


def test_module_names_say_what_they_hold(source_root: Path) -> None:
    """Nothing is called after its being useful."""
    names = {path for path in source_root.rglob("*") if path.suffix in {"", ".py"}}
    empty = [path for path in names if _EMPTY_NAMES.fullmatch(path.stem)]
    assert [path.relative_to(source_root).as_posix() for path in empty] == []


@pytest.mark.parametrize("folder", ["", "components", "components/connectors", "tracing"])
def test_namespace_folders_stay_empty(source_root: Path, folder: str) -> None:
    """A file of ours in a shared folder would hide or break every other Haystack integration."""
    shared = source_root / "haystack_integrations" / folder
    files = [path.name for path in shared.glob("*") if path.is_file()]
    assert files == []


def test_the_source_root_is_no_package(source_root: Path) -> None:
    """Folder names under it are import names; it is never imported itself."""
    assert [path.name for path in source_root.glob("*") if path.is_file()] == []


def test_tracked_files_name_no_machine(root: Path) -> None:
    """What is committed is true on every machine and installs from wherever the user does."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    paths = [root / name for name in listed.stdout.split("\0") if name]
    found = [
        f"{path.relative_to(root)}:{number}: {what}"
        for path in paths
        if path.is_file()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        for what, trace in _MACHINE_TRACES.items()
        if trace.search(line)
    ]
    assert found == []


def test_constraints_are_versions_and_nothing_else(root: Path) -> None:
    """A constraint is a name and an exact version; no address, no hash, no local file."""
    lines = (root / "constraints.txt").read_text().splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+", line)] == []


def test_ci_runs_the_command_of_the_readme(root: Path) -> None:
    """Whoever follows the README does what CI does."""
    command = "python3 scripts/dev.py test"
    assert command in (root / "README.md").read_text().splitlines()
    assert (root / ".ci/run").read_text().splitlines()[-1] == command
