"""Runs the viewer: finds a port, says where it is, and stops when it is told to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from threadline.errors import AddressError
from threadline.server.access import TOKEN, Access, is_loopback
from threadline.server.addresses import address
from threadline.server.app import application
from threadline.server.housekeeping import keep_house
from threadline.server.prices import Prices
from threadline.server.stores import Stores
from threadline.server.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from threadline.clock import Clock

__all__ = ["entrance", "is_loopback", "prepared", "serve"]

PORT: Final = 8787
_OTHER_PORTS: Final = 20
_LAST_WORDS_S: Final = 1
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (what a user may have typed)


def prepared(
    path: Path,
    *,
    host: str,
    port: int | None = None,
    names: Sequence[str] = (),
    prices: Path | None = None,
    clock: Clock | None = None,
) -> tuple[Viewer, socket.socket]:
    """Return a viewer of a store, and a socket that listens for it.

    Raises:
        AddressError: if nothing can listen there.
        ArgumentError: if the file of prices is none.
    """
    known = None if prices is None else Prices.read(prices)
    listener = listening(host, port)
    number: int = listener.getsockname()[1]
    own = () if is_loopback(host) else (socket.gethostname(),)
    access = Access(
        host=host,
        names=frozenset(name.lower().rstrip(".") for name in (*names, *own)),
        cookie=f"threadline-{number}",
    )
    return Viewer(stores=Stores(path, clock=clock), access=access, prices=known), listener


def listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens: on `port`, else on the usual one or one of those behind it.

    Raises:
        AddressError: if nothing can listen there.
    """
    ports = [port] if port is not None else [*range(PORT, PORT + _OTHER_PORTS), 0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for one in ports:
        try:
            return socket.create_server((host, one), family=family, backlog=64)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise AddressError(host, port, reason)


def entrance(access: Access, listener: socket.socket) -> str:
    """Return the address that lets a browser in; the token is in it."""
    port: int = listener.getsockname()[1]
    host = _WILDCARDS.get(access.host, access.host)
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}{address('/', **{TOKEN: access.token})}"


def serve(viewer: Viewer, listener: socket.socket, *, ready: Callable[[], None]) -> None:
    """Answer until this process is told to end.

    Args:
        viewer: What is shown.
        listener: Where to listen.
        ready: Called once the first request would be answered.
    """
    config = uvicorn.Config(
        application(viewer),
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    server = _Server(config, viewer, ready)
    keeping = threading.Thread(target=keep_house, args=(viewer,), name="threadline-viewer")
    keeping.start()
    try:
        server.run(sockets=[listener])
    finally:
        viewer.ending.set()
        listener.close()
        keeping.join(_LAST_WORDS_S)
        viewer.stores.close()


class _Server(uvicorn.Server):
    """Tells when it is ready, and ends what waits for news."""

    def __init__(self, config: uvicorn.Config, viewer: Viewer, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._viewer = viewer
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and tell so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and let nobody wait for news."""
        self._viewer.ending.set()
        super().handle_exit(sig, frame)
