"""An agent whose tool calls a human reviews; run as a program it asks, or resumes.

python -m tests.integration.reviewing STORE CHECKPOINTS ask|resume
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from tests.scenarios.one_conversation import THREAD, Answering, add

from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler

ASK: Any = {"messages": [("user", "Add 1 and 2.")]}
RESUME: Any = Command(resume={"decisions": [{"type": "reject", "message": "Not now."}]})


def main(store: str, checkpoints: str, what: str) -> None:
    """Ask, or resume with a decision."""
    client = Client(store=store, min_free_bytes=0)
    config: Any = {
        "configurable": {"thread_id": THREAD},
        "callbacks": [ThreadlineCallbackHandler(client)],
    }
    with closing(sqlite3.connect(checkpoints, check_same_thread=False)) as connection:
        review = HumanInTheLoopMiddleware({"add": True})
        app = create_agent(
            Answering(), [add], middleware=[review], checkpointer=SqliteSaver(connection)
        )
        app.invoke({"ask": ASK, "resume": RESUME}[what], config)
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
