"""A prefork server, as gunicorn is one; run as a program of its own.

    prefork_application.py STORE SOCKET

The parent builds the chain and the handler, and answers once itself. Four forked workers take
connections from one listening socket, each a question, and answer them. SIGTERM in a worker ends it
by `sys.exit`; the parent replaces those that die otherwise. SIGTERM in the parent ends all.
"""

from __future__ import annotations

import os
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


def main(store: str, address: str) -> None:
    """Serve until told to end."""
    hook_failures.reraise = True
    client = threadline.Client(store=store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    handler.raise_error = True
    _answer(handler, "warm-up", "warm up")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        workers = {_fork(listener, handler) for _ in range(WORKERS)}
        signal.signal(signal.SIGTERM, lambda *_: [os.kill(pid, signal.SIGTERM) for pid in workers])
        while workers:
            pid, status = os.wait()
            workers.discard(pid)
            if os.WIFSIGNALED(status):
                workers.add(_fork(listener, handler))
    _answer(handler, "warm-up", "last words")


def _fork(listener: socket.socket, handler: Any) -> int:
    pid = os.fork()
    if pid == 0:
        _work(listener, handler)
    return pid


def _work(listener: socket.socket, handler: Any) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        connection, _ = listener.accept()
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
