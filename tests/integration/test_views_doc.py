"""`docs/views.md` runs as it is written, and tells every view and column that there is."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from threadline.store import database

PAGE = (Path(__file__).parents[2] / "docs" / "views.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_examples_run_and_print_what_they_say(tmp_path: Path) -> None:
    """A comment behind `print`, or below a loop, is what it prints."""
    script = tmp_path / "views.py"
    script.write_text("\n".join(BLOCKS) + "\nthreadline.close()\n")
    shown = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert shown.stderr == ""
    promised = re.findall(r"(?:^|print\(.*\)  )# (.*)$", "\n".join(BLOCKS), flags=re.MULTILINE)
    assert len(promised) == 6
    assert shown.stdout.splitlines() == promised


def test_every_view_and_column_is_told_and_the_other_way_round() -> None:
    """Columns are a promise: whoever changes one changes the page."""
    told = {
        view: re.findall(r"`(\w+)`", columns)
        for view, columns in re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE)
    }
    with closing(database.connect_memory()) as store:
        views = store.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        held = {
            view: [row[1] for row in store.execute(f"PRAGMA table_info({view})")]
            for (view,) in views
        }
    assert held == told
