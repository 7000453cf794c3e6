"""The layers of the package, and what each of them may import."""

import subprocess
import sys
from pathlib import Path

# Packages that a user may not have, or that cost too much to load unasked.
_FOREIGN = (
    "_pytest",
    "click",
    "haystack",
    "httpx",
    "langchain",
    "langchain_core",
    "langgraph",
    "markdown_it",
    "openai",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "starlette",
)
_ABOVE_THE_CORE = {"langchain", "haystack", "cli", "server", "testing"}

# Imports each module in turn and names those after which a foreign package is there for the first
# time.
_PROBE = """
import importlib, sys
foreign, modules = sys.argv[1].split(","), sys.argv[2:]
for module in modules:
    before = set(sys.modules)
    importlib.import_module(module)
    for name in foreign:
        if name in sys.modules and name not in before:
            print(f"{module} imports {name}")
"""


def test_imports_keep_to_the_layers(root: Path) -> None:
    """Each module imports only from layers below its own."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_threadline_loads_no_framework() -> None:
    """`import threadline` is cheap and needs no extra."""
    assert _foreign_imports(["threadline"], _FOREIGN) == ""


def test_no_core_module_loads_a_framework(source_root: Path) -> None:
    """What stands below the adapters works without any extra; only `ingest` may load httpx."""
    modules = [module for module in _modules(source_root) if not _is_above_the_core(module)]
    ingest = [module for module in modules if module.startswith("threadline.ingest")]
    others = [module for module in modules if module not in ingest]
    assert _foreign_imports(others, _FOREIGN) == ""
    assert _foreign_imports(ingest, [name for name in _FOREIGN if name != "httpx"]) == ""


def _foreign_imports(modules: list[str], foreign: tuple[str, ...] | list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, ",".join(foreign), *modules],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _modules(source_root: Path) -> list[str]:
    paths = sorted((source_root / "threadline").rglob("*.py"))
    names = [".".join(path.relative_to(source_root).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if not name.endswith(".__main__")]


def _is_above_the_core(module: str) -> bool:
    parts = module.split(".")
    return len(parts) > 1 and parts[1] in _ABOVE_THE_CORE
