"""What README and docs/haystack.md show works as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def _block(path: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", (_ROOT / path).read_text(), flags=re.DOTALL)
    [block] = [block for block in blocks if "ThreadlineConnector" in block]
    return str(block)


@pytest.mark.parametrize("path", ["README.md", "docs/haystack.md"])
def test_the_example_runs_and_prints_what_it_says(path: str, tmp_path: Path) -> None:
    """An example runs as a reader would type it, and says nothing but what it promises."""
    script = tmp_path / "example.py"
    script.write_text(_block(path) + "\nimport threadline\nthreadline.close()\n")
    shown = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert shown.stderr == ""
    promised = [line[2:] for line in _block(path).splitlines() if line.startswith("# ")]
    assert shown.stdout.splitlines() == promised
