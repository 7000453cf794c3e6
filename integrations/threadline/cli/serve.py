"""`threadline serve`: the local viewer."""

from __future__ import annotations

import contextlib
import importlib
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from threadline.cli.backlog import store_in_force
from threadline.cli.options import pass_session, store_option
from threadline.cli.session import quoted
from threadline.errors import MissingExtraError

if TYPE_CHECKING:
    from threadline.cli.session import Session

_EXTRA: Final = "server"
_PACKAGES: Final = frozenset({"starlette", "uvicorn", "anyio", "h11"})


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 8787, or a free one]")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Answer to this host name too, such as that of a proxy; may be given several times.",
)
@click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What models cost: a JSON file, {MODEL: [INPUT, OUTPUT]} per million tokens.",
)
@click.option("--open/--no-open", "opens", default=True, help="Open the browser.")
@store_option
@pass_session
def serve(session: Session, *, host: str, opens: bool, **more: Any) -> None:
    """Look at what was recorded in a browser, on this machine.

    The address that is printed has a token in it: whoever has the address can read everything.
    """
    server = _server()
    _, path = store_in_force(session)
    viewer, listener = server.prepared(path, host=host, clock=session.clock, **more)
    entrance = server.entrance(viewer.access, listener)
    if not server.is_loopback(host):
        session.say(
            "Whoever can reach this machine and has the address can read all of it; the way there"
            " is not encrypted.",
            "warn",
        )

    def ready() -> None:
        session.line((entrance, "strong"))
        session.say(f"Showing {quoted(str(path))}; Ctrl-C ends it.", "dim")
        if opens:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(entrance)

    with contextlib.suppress(KeyboardInterrupt):
        server.serve(viewer, listener, ready=ready)


def _server() -> Any:
    try:
        return importlib.import_module("threadline.server.running")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        raise MissingExtraError(_EXTRA, package) from error
