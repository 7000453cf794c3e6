"""Runs the command line on a terminal where somebody sits and answers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys


def answered(answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command whose question gets this answer; returns its exit code and what it said."""
    person, terminal = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    command = [sys.executable, "-m", "threadline.cli", *arguments]
    try:
        done = subprocess.run(
            command, stdin=terminal, capture_output=True, text=True, check=False, timeout=50
        )
    finally:
        os.close(terminal)
        os.close(person)
    return done.returncode, done.stderr
