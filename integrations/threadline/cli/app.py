"""The program `threadline`: its commands, and what happens when one of them fails."""

from __future__ import annotations

import importlib
from typing import Any

import click

from threadline.cli.checks import installed_version
from threadline.cli.deletion import delete
from threadline.cli.doctor import doctor
from threadline.cli.export import export
from threadline.cli.hits import search
from threadline.cli.import_files import import_files
from threadline.cli.listing import list_conversations
from threadline.cli.options import TYPED, pass_session, store_option
from threadline.cli.outbox import outbox_commands
from threadline.cli.serve import serve
from threadline.cli.session import Session, quoted
from threadline.cli.shipping import ship
from threadline.cli.show import show
from threadline.cli.status import status
from threadline.cli.tail import tail
from threadline.errors import ArgumentError, ThreadlineError


class App(click.Group):
    """A group whose commands may raise any error of Threadline: it is told, not traced."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except ArgumentError as error:
            raise self._usage_error(ctx, error) from error
        except ThreadlineError as error:
            raise ctx.ensure_object(Session).fail(quoted(str(error))) from error

    def _usage_error(self, ctx: click.Context, error: ArgumentError) -> click.UsageError:
        """Tell what was typed wrong the way it is typed, below the usage of its command."""
        command = self.commands.get(ctx.invoked_subcommand or "", self)
        if command is not self:
            ctx = click.Context(command, info_name=ctx.invoked_subcommand, parent=ctx)
        allowed = TYPED.get(error.allowed, error.allowed)
        message = f"{_typed_name(command, error.argument)} is {error.value!r}; allowed: {allowed}"
        return click.UsageError(quoted(message), ctx)


def _typed_name(command: click.Command, argument: str) -> str:
    for parameter in command.params:
        if parameter.name == argument:
            is_option = isinstance(parameter, click.Option)
            return parameter.opts[0] if is_option else parameter.human_readable_name
    return argument  # nothing that was typed: it is about a file


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
@click.option("--haystack", is_flag=True, help="An agent of Haystack instead of LangChain's.")
@store_option
@pass_session
def demo(session: Session, *, haystack: bool) -> None:
    """Run a small agent with tools and memory, and show what was recorded."""
    body = importlib.import_module("threadline.cli.demo")
    run = body.run_haystack_demo if haystack else body.run_demo
    run(session.out, session.store_path)


for command in (demo, list_conversations, show, tail, search, export, import_files, delete, doctor):
    app.add_command(command)
for command in (ship, status, outbox_commands, serve):
    app.add_command(command)


def run() -> None:
    """Run the program on the arguments it was started with."""
    app(prog_name="threadline", obj=Session())
