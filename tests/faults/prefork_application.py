"""A prefork server, as gunicorn is one; run as a program of its own.

    prefork_application.py STORE SOCKET

The parent builds the chain and the handler, and answers once itself. Four forked workers take
connections from one listening socket, each a question, and answer them. SIGTERM ends a worker when
it has answered, and `sys.exit` is its last word; the parent replaces those that die otherwise.
SIGTERM in the parent ends all.

No signal is handled where it happens to arrive: the parent waits for signals, which are blocked
from the start, and a worker is told by a pipe that it waits for beside the socket. A handler that
raised could be swallowed, wherever Python ignores exceptions, and a child that has not set its own
yet would have its parent's.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.killed_application import CHAIN

import threadline
from threadline.capture.guard import hook_failures
from threadline.langchain import ThreadlineCallbackHandler

WORKERS = 4
END = b"\n"
WAITED_FOR = {signal.SIGTERM, signal.SIGCHLD}


def main(store: str, address: str) -> None:
    """Serve until told to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)  # in every thread that comes
    hook_failures.reraise = True
    client = threadline.Client(store=store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    handler.raise_error = True
    _answer(handler, "warm-up", "warm up")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        listener.setblocking(False)
        _serve(listener, handler)
    _answer(handler, "warm-up", "last words")


def _serve(listener: socket.socket, handler: Any) -> None:
    workers = {_fork(listener, handler) for _ in range(WORKERS)}
    os.write(sys.stdout.fileno(), b"ready" + END)
    is_ending = False
    while workers:
        if signal.sigwait(WAITED_FOR) == signal.SIGTERM:
            is_ending = True
            for pid in workers:
                os.kill(pid, signal.SIGTERM)
        for pid, status in _ended():
            workers.discard(pid)
            if os.WIFSIGNALED(status) and not is_ending:
                workers.add(_fork(listener, handler))


def _ended() -> list[tuple[int, int]]:
    """Return the children that have ended; one signal may stand for several."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.append((pid, status))


def _fork(listener: socket.socket, handler: Any) -> int:
    pid = os.fork()
    if pid == 0:
        _work(listener, handler)
    return pid


def _work(listener: socket.socket, handler: Any) -> NoReturn:
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the pipe tells of it
    signal.set_wakeup_fd(tell)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    while True:
        ready, _, _ = select.select([listener, told], [], [])
        if told in ready:
            sys.exit(0)
        try:
            connection, _ = listener.accept()
        except BlockingIOError:  # another worker was quicker
            continue
        _converse(connection, handler)


def _converse(connection: socket.socket, handler: Any) -> None:
    connection.setblocking(True)
    with connection, connection.makefile("rwb") as stream:
        thread_id, question = stream.readline().rstrip(END).decode().split("|")
        if question == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = _answer(handler, thread_id, question)
        stream.write(f"{os.getpid()}|{answer}".encode() + END)


def _answer(handler: Any, thread_id: str, question: str) -> str:
    config: Any = {"callbacks": [handler], "metadata": {"thread_id": thread_id}}
    return CHAIN.invoke({"question": question}, config)


if __name__ == "__main__":
    main(*sys.argv[1:])
