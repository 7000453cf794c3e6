"""What docs/delivery.md shows works as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_destination_of_ones_own_is_one(tmp_path: Path) -> None:
    """Both examples run as they stand, and the home-made destination gets the turn."""
    script = tmp_path / "page.py"
    use = (
        "threadline.configure(store='chat.db', destinations=[Printed()])\n"
        "with threadline.turn(thread_id='a', input='Hello') as turn:\n"
        "    turn.output = 'Good day'\n"
        "assert threadline.flush().delivered == 1\n"
        "print([turn.id])\n"
    )
    script.write_text("\n".join([*BLOCKS, use]))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    delivered, recorded = done.stdout.splitlines()
    assert delivered == recorded
