"""What the README shows works as it is written, and names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from threadline.settings import SETTING_NAMES

pytest_plugins = ["pytester"]

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_the_examples_run_and_print_what_they_say(tmp_path: Path) -> None:
    """The two examples run one after another, as a reader would type them."""
    script = tmp_path / "readme.py"
    script.write_text("\n".join(BLOCKS[:2]) + "\nthreadline.close()\n")
    shown = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert shown.stderr == ""
    promised = [
        line[2:] for line in BLOCKS[0].splitlines() if line.startswith("# ") and "|" in line
    ]
    assert promised
    assert shown.stdout.splitlines() == promised


def test_the_example_of_a_test_is_one(pytester: pytest.Pytester) -> None:
    """The fixture works as the README uses it."""
    chain = "from langchain_core.runnables import RunnableLambda\n"
    chain += "chain = RunnableLambda(lambda question: f'{question} At nine.')\n"
    pytester.makepyfile(chain + BLOCKS[2])
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


@pytest.mark.parametrize("setting", sorted(set(SETTING_NAMES) - {"store_mode", "destinations"}))
def test_every_setting_is_told(setting: str) -> None:
    """Each setting stands in the README, under its name or its environment variable."""
    assert f"`{setting}`" in README.read_text()


@pytest.mark.parametrize(
    "command", ["demo", "list", "show", "tail", "search", "delete", "doctor", "ship", "status"]
)
def test_every_command_is_told(command: str) -> None:
    """Each command stands in the README."""
    assert re.search(rf"threadline {command}\b", README.read_text())
