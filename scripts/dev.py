"""Sets up the environment of a checkout and works in it; needs Python 3.11 and git, nothing else.

    python3 scripts/dev.py demo             run `threadline demo`
    python3 scripts/dev.py test             run every gate, cheapest first, as CI does
    python3 scripts/dev.py test --only lint,types
    python3 scripts/dev.py test -- tests/unit -k journal        only pytest, with these arguments
    python3 scripts/dev.py setup            set up, and no more

The environment is `.venv`. It is filled with the versions of `constraints.txt`, and again only when
that file or `pyproject.toml` changed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "threadline-dev.json"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST = ROOT / "constraints-oldest.txt"
OLDEST_VENV = ROOT / ".cache" / "oldest"
OLDEST_TESTS = [
    "tests/scenarios/test_langchain.py",
    "tests/unit/test_first_versions.py",
    "tests/scenarios/test_haystack.py",
    "tests/recordings/test_haystack_replay.py",
    "tests/haystack",
]
MIN_PYTHON = (3, 11)

# What each kind of environment holds beside Threadline: dependency groups, and extras of it.
KINDS = {
    "demo": (["build"], ["demo"]),
    "dev": (["dev"], ["demo", "haystack", "notebook", "otlp", "server"]),
}
# A test must not report to anybody's account, whatever the shell is set up for.
TRACING_PREFIXES = ("LANGSMITH_", "LANGCHAIN_")

# Run in an environment that holds the wheel and its two dependencies: every module of the core.
IMPORT_CORE = """
import importlib, pkgutil, threadline
outside = {"langchain", "haystack", "cli", "server", "testing"}
def walk(package):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if found.name.split(".")[1] not in outside:
            module = importlib.import_module(found.name)
            if found.ispkg:
                walk(module)
walk(threadline)
"""


def main() -> int:
    """Set up what the command needs, then run it."""
    if sys.version_info < MIN_PYTHON:
        version = ".".join(map(str, MIN_PYTHON))
        sys.exit(f"Threadline needs Python {version} or newer; this is {sys.version.split()[0]}")
    options = _read_arguments()
    os.chdir(ROOT)
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    if options.command == "demo":
        ensure_environment("demo")
        return run([_program("threadline"), "demo", *options.rest])
    for name in [name for name in os.environ if name.startswith(TRACING_PREFIXES)]:
        del os.environ[name]
    ensure_environment("dev")
    if options.command == "setup":
        return 0
    return run_gates(options.only, options.rest)


def _read_arguments() -> argparse.Namespace:
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["demo", "test", "setup"])
    parser.add_argument("--only", help=f"gates to run: {','.join(GATES)}")
    options = parser.parse_args(arguments[:cut])
    options.rest = arguments[cut + 1 :]
    if options.rest and options.command == "test" and not options.only:
        options.only = "tests"
    options.only = options.only.split(",") if options.only else list(GATES)
    if unknown := set(options.only) - set(GATES):
        parser.error(f"--only takes {','.join(GATES)}, not {','.join(sorted(unknown))}")
    return options


# --- the environment ---


def ensure_environment(kind: str) -> None:
    """Make `.venv` and fill it, unless it already holds what this checkout asks for."""
    wanted = _fingerprint()
    if not _works(VENV):
        _create_venv(VENV)
    elif _stamp().get(kind) == wanted:
        return
    print(f"Setting up {VENV.name} for {kind} (once; takes a minute or two) ...", flush=True)
    groups, extras = KINDS[kind]
    _pip(VENV, "install", *(item for group in groups for item in _group(group)))
    # Its own build tools are there by now, in the versions of the constraints.
    target = f".[{','.join(extras)}]"
    _pip(VENV, "install", "--no-build-isolation", "--editable", target)
    filled = {"demo": wanted, "dev": wanted} if kind == "dev" else {"demo": wanted}
    STAMP.write_text(json.dumps(filled), encoding="utf-8")


def _works(venv: Path) -> bool:
    python = _program("python", venv)
    if not Path(python).exists():
        return False
    test = f"import sys, pip; sys.exit(sys.version_info < {MIN_PYTHON})"
    return run([python, "-c", test], stderr=subprocess.DEVNULL) == 0


def _create_venv(folder: Path) -> None:
    try:
        importlib.import_module("ensurepip")
    except ImportError:
        sys.exit(
            f"{sys.executable} comes without `ensurepip`, which making an environment needs.\n"
            "On Debian and Ubuntu it is in the package python3-venv; the installers of python.org, "
            "pyenv and uv include it. Run this command again with such a python3."
        )
    venv.create(folder, clear=True, with_pip=True)


def _group(name: str) -> list[str]:
    """Return the requirements of a dependency group; the pip of Python 3.11 cannot read them."""
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = []
    for item in groups["dependency-groups"][name]:
        found += [item] if isinstance(item, str) else _group(item["include-group"])
    return found


def _pip(venv: Path, command: str, *arguments: str) -> None:
    line = [_program("python", venv), "-m", "pip", command, "--quiet"]
    line += ["--disable-pip-version-check", "--constraint", str(CONSTRAINTS), *arguments]
    if run(line):
        sys.exit(f"pip could not do its part: pip {command} {' '.join(arguments)}")


def _fingerprint() -> str:
    digest = hashlib.sha256(str(ROOT).encode())  # a checkout that was moved is set up again
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _stamp() -> dict[str, str]:
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _program(name: str, venv: Path = VENV) -> str:
    if os.name == "nt":
        return str(venv / "Scripts" / f"{name}.exe")
    return str(venv / "bin" / name)


def run(command: list[str], variables: dict[str, str] | None = None, **options: object) -> int:
    """Run a program in the root of the checkout and return its exit code."""
    sys.stdout.flush()
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    env = os.environ | {"PATH": path} | (variables or {})
    return subprocess.run(command, cwd=ROOT, env=env, check=False, **options).returncode


# --- the gates ---


def run_gates(names: list[str], pytest_arguments: list[str]) -> int:
    """Run each gate, also after one that failed, and say at the end how each of them went."""
    results: list[tuple[str, bool, float]] = []
    for name in (name for name in GATES if name in names):
        print(f"\n=== {name} ===", flush=True)
        start = time.monotonic()
        passed = GATES[name](pytest_arguments) == 0
        results.append((name, passed, time.monotonic() - start))
    print("\n=== summary ===")
    for name, passed, seconds in results:
        print(f"{'passed' if passed else 'FAILED'}  {name:<8} {seconds:6.1f} s")
    failed = sum(not passed for _, passed, _ in results)
    print(f"gates: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _format(_: list[str]) -> int:
    return run([_program("ruff"), "format", "--check", "."])


def _lint(_: list[str]) -> int:
    return run([_program("ruff"), "check", "."])


def _layers(_: list[str]) -> int:
    # Its cache can give the verdict of an earlier state, and saves nothing at this size.
    return run([_program("lint-imports"), "--no-cache"])


def _tests(arguments: list[str]) -> int:
    if not arguments:
        from model import ensure_model

        print(f"model: {ensure_model().relative_to(ROOT)}", flush=True)
    return run([_program("python"), "-m", "pytest", *arguments])


def _types(_: list[str]) -> int:
    os.environ["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"  # it need not look for a newer version
    return run([_program("pyright"), "--pythonpath", _program("python")])


def _oldest(_: list[str]) -> int:
    """Play scenarios and recordings with the first versions of the frameworks, in a place apart."""
    stamp = OLDEST_VENV / "threadline-dev.txt"
    wanted = OLDEST.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _create_venv(OLDEST_VENV)
        line = [_program("python", OLDEST_VENV), "-m", "pip", "install", "--quiet"]
        if run([*line, "--disable-pip-version-check", "--requirement", str(OLDEST)]):
            return 1
        stamp.write_text(wanted, encoding="utf-8")
    source = {"PYTHONPATH": str(ROOT / "integrations")}
    line = [_program("python", OLDEST_VENV), "-m", "pytest", "-p", "no:cacheprovider"]
    line += OLDEST_TESTS
    return run(line, variables=source)


def _wheel(_: list[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _pip(VENV, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", name, ".")
        [wheel] = folder.glob("*.whl")
        if faults := _wheel_faults(wheel):
            print("\n".join(faults))
            return 1
        _create_venv(folder / "venv")
        _pip(folder / "venv", "install", str(wheel))
        python = _program("python", folder / "venv")
        if run([python, "-I", "-c", IMPORT_CORE]):
            return 1
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, imports without any extra")
    return 0


def _wheel_faults(wheel: Path) -> list[str]:
    """Compare the wheel with the source root: each module is in it, and nothing else."""
    source = ROOT / "integrations"
    expected = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        info = {name.partition(".dist-info/")[2] for name in archive.namelist()}
    faults = [f"missing from the wheel: {name}" for name in sorted(expected - held)]
    faults += [f"in the wheel, but not ours: {name}" for name in sorted(held - expected)]
    if "threadline/py.typed" not in held:
        faults.append("missing from the wheel: threadline/py.typed")
    if "licenses/LICENSE" not in info:
        faults.append("missing from the wheel: the licence")
    return faults


GATES = {
    "format": _format,
    "lint": _lint,
    "layers": _layers,
    "tests": _tests,
    "types": _types,
    "oldest": _oldest,
    "wheel": _wheel,
}


if __name__ == "__main__":
    sys.exit(main())
