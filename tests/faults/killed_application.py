"""An application that is killed, again and again: one warm process that forks one for each death.

Run as a program, with a list of jobs on its standard input. What a job does, and where it dies, is
in `DEATHS`. It imports LangChain once, so that a hundred deaths take seconds.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

import threadline
from threadline.capture import writer_thread
from threadline.capture.guard import hook_failures
from threadline.capture.journal_keeper import JournalKeeper
from threadline.clock import now_ns
from threadline.langchain import ThreadlineCallbackHandler, handler
from threadline.store import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYSTEM = "You repeat."
INPUTS_OF_A_BATCH = 3
LONG = " ".join(f"word-{n}," for n in range(200))
WORDS_HEARD = 100


class Job(NamedTuple):
    """One life: which store, which conversation, how it ends."""

    store: str
    thread_id: str
    death: str
    earlier_turns: int = 0


class Parrot(BaseChatModel):
    """Says again what it was told; asks for the tool `stab` first where it has tools."""

    tools: bool = False

    @property
    def _llm_type(self) -> str:
        return "parrot"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Parrot:
        return Parrot(tools=True)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        answer = AIMessage(f"You said {messages[-1].text}")
        if self.tools:
            calls = [{"name": "look", "args": {"at": "sky"}, "id": "c1"}]
            if messages[-1].text == "sky is grey":
                calls = [{"name": "stab", "args": {"deep": True}, "id": "c2"}]
            if messages[-1].text != "enough":
                answer = AIMessage("Let me see", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for word in f"You said {messages[-1].text}".split(" "):
            space = "" if word == "You" else " "
            yield ChatGenerationChunk(message=AIMessageChunk(space + word))


def die() -> NoReturn:
    """Die as by kill -9: nothing of this process runs any more."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is grey"


@tool
def stab(deep: bool) -> str:
    """Die in the middle of an agent's run."""
    die()


CHAIN = (
    ChatPromptTemplate.from_messages([("system", SYSTEM), ("human", "{question}")])
    | Parrot()
    | StrOutputParser()
)


def _asked(job: Job, n: int | str = "") -> dict[str, str]:
    return {"question": f"{job.thread_id} asks {n}"}


def _invoke(job: Job, config: Any) -> None:
    CHAIN.invoke(_asked(job), config)
    die()


def _ainvoke(job: Job, config: Any) -> None:
    async def ask() -> None:
        await CHAIN.ainvoke(_asked(job), config)
        die()

    asyncio.run(ask())


def _stream(job: Job, config: Any) -> None:
    for _ in CHAIN.stream(_asked(job), config):
        pass
    die()


def _astream(job: Job, config: Any) -> None:
    async def ask() -> None:
        async for _ in CHAIN.astream(_asked(job), config):
            pass
        die()

    asyncio.run(ask())


def _mid_stream(job: Job, config: Any) -> None:
    """Die in the middle of a long answer; the clock moves on by a second each time it is read."""
    seconds = itertools.count(now_ns() // 10**9)
    handler.now_ns = lambda: next(seconds) * 10**9
    for number, _ in enumerate(CHAIN.stream({"question": LONG}, config)):
        if number == WORDS_HEARD:
            die()


def _batch(job: Job, config: Any) -> None:
    configs = [
        config | {"metadata": {"thread_id": f"{job.thread_id}.{n}"}}
        for n in range(INPUTS_OF_A_BATCH)
    ]
    CHAIN.batch([_asked(job, n) for n in range(INPUTS_OF_A_BATCH)], configs)
    die()


def _agent(job: Job, config: Any) -> None:
    agent = create_agent(Parrot(), [look, stab], system_prompt=SYSTEM)
    agent.invoke({"messages": [("user", f"{job.thread_id} asks ")]}, config)


def _mid_transaction(job: Job, config: Any) -> None:
    """Die when some tables have the rows and others do not, before the commit."""
    insert = rows._insert

    def insert_until_messages(connection: Any, table: str, *rest: Any) -> None:
        insert(connection, table, *rest)
        if table == "message":
            die()

    rows._insert = insert_until_messages
    CHAIN.invoke(_asked(job), config)
    config["callbacks"][0]._client.flush()


def _before_cut(job: Job, config: Any) -> None:
    """Die when the store has the turn and the journal has it still."""

    def forget(*args: Any) -> None:
        die()

    JournalKeeper.forget = forget
    CHAIN.invoke(_asked(job), config)
    config["callbacks"][0]._client.flush()


def _after_rotation(job: Job, config: Any) -> None:
    """Die when a turn that stands in several journal files is stored and the first ones are cut."""
    client = config["callbacks"][0]._client
    with threadline.turn(turn_id=f"own-{job.thread_id}", thread_id=job.thread_id, client=client):
        CHAIN.invoke(_asked(job, 1), {"callbacks": config["callbacks"]})
        _rotate(client)
        CHAIN.invoke(_asked(job, 2), {"callbacks": config["callbacks"]})
    client.flush()
    die()


def _agent_after_rotation(job: Job, config: Any) -> None:
    """Die when an agent's turn is stored whose second half alone is still in a journal."""
    client = config["callbacks"][0]._client

    @tool
    def stab(deep: bool) -> str:
        """Let the journal go on in a new file."""
        _rotate(client)
        return "enough" if deep else ""

    agent = create_agent(Parrot(), [look, stab], system_prompt=SYSTEM)
    agent.invoke({"messages": [("user", f"{job.thread_id} asks ")]}, config)
    client.flush()
    die()


def _agent_shown(job: Job, config: Any) -> None:
    """Die inside a tool when the turn is in the store already, as one that is under way."""
    writer_thread._SHOW_S = 0.0
    client = config["callbacks"][0]._client

    @tool
    def look(at: str) -> str:
        """Let the writer show the turn."""
        client.flush()
        return f"{at} is grey"

    agent = create_agent(Parrot(), [look, stab], system_prompt=SYSTEM)
    agent.invoke({"messages": [("user", f"{job.thread_id} asks ")]}, config)


def _rotate(client: threadline.Client) -> None:
    """Let the journal go on in a new file, which it does once the one in use is long."""
    keeper = client._started().keeper
    usual, keeper.rotate_bytes = keeper.rotate_bytes, 1
    client.flush()
    keeper.rotate_bytes = usual


DEATHS: dict[str, Callable[[Job, Any], None]] = {
    "invoke": _invoke,
    "ainvoke": _ainvoke,
    "stream": _stream,
    "astream": _astream,
    "batch": _batch,
    "mid_stream": _mid_stream,
    "agent": _agent,
    "mid_transaction": _mid_transaction,
    "before_cut": _before_cut,
    "agent_shown": _agent_shown,
    "after_rotation": _after_rotation,
    "agent_after_rotation": _agent_after_rotation,
}


def live(job: Job) -> None:
    """Live one life, to its end."""
    hook_failures.reraise = True
    client = threadline.Client(store=job.store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    handler.raise_error = True
    config = {"callbacks": [handler], "metadata": {"thread_id": job.thread_id}}
    for n in range(job.earlier_turns):
        CHAIN.invoke(_asked(job, f"before {n}"), config)
        client.flush()
    DEATHS[job.death](job, config)


def main() -> None:
    """Live all the lives on standard input, two at a time; complain if one ends otherwise."""
    jobs = [Job(*fields) for fields in json.load(sys.stdin)]
    living: set[int] = set()
    for job in jobs:
        if len(living) == 2:
            living.remove(_wait())
        pid = os.fork()
        if pid == 0:
            try:
                live(job)
            finally:
                os._exit(1)
        living.add(pid)
    while living:
        living.remove(_wait())


def _wait() -> int:
    pid, status = os.wait()
    assert os.WIFSIGNALED(status), f"exit status {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL
    return pid


if __name__ == "__main__":
    main()
