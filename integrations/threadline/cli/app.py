"""The program `threadline`: its commands, and what happens when one of them fails."""

from __future__ import annotations

import importlib
from typing import Any

import click

from threadline.cli.checks import installed_version
from threadline.cli.deletion import delete
from threadline.cli.doctor import doctor
from threadline.cli.hits import search
from threadline.cli.listing import list_conversations
from threadline.cli.options import pass_session, store_option
from threadline.cli.session import Session, quoted
from threadline.cli.show import show
from threadline.errors import ArgumentError, ThreadlineError


class App(click.Group):
    """A group whose commands may raise any error of Threadline: it is told, not traced."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except ArgumentError as error:
            message = f"--{error.argument} is {error.value!r}; allowed: {error.allowed}"
            raise click.UsageError(quoted(message), ctx) from error
        except ThreadlineError as error:
            raise ctx.ensure_object(Session).fail(quoted(str(error))) from error


@click.group(
    cls=App,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    installed_version("threadline") or "unknown",
    prog_name="threadline",
    message="%(prog)s %(version)s",
)
@store_option
@click.pass_context
def app(context: click.Context) -> None:
    """Read the conversations that Threadline recorded."""
    context.ensure_object(Session)


@click.command("demo")
@store_option
@pass_session
def demo(session: Session) -> None:
    """Run a small agent with tools and memory, and show what was recorded."""
    body = importlib.import_module("threadline.cli.demo")
    body.run_demo(session.out, session.store_path)


for command in (demo, list_conversations, show, search, delete, doctor):
    app.add_command(command)


def run() -> None:
    """Run the program on the arguments it was started with."""
    app(prog_name="threadline", obj=Session())
