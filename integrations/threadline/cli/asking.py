"""Asking before something that cannot be undone."""

from __future__ import annotations

import sys

import click


def ask(question: str, *, what_happens: str) -> None:
    """Ask, and go on only with a yes.

    Args:
        question: What is asked.
        what_happens: The same as a statement, for a program that nobody sits before.

    Raises:
        click.UsageError: if there is no terminal: whoever wrote the command says `--yes` in it.
        click.Abort: if the answer is no.
    """
    if sys.stdin is None or not sys.stdin.isatty():  # None where a program was started without it
        message = f"{what_happens}; confirm it with --yes"
        raise click.UsageError(message)
    click.confirm(question, abort=True, err=True)
