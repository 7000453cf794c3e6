"""P2: two hundred conversations on one handler at once; none holds another's text."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from threadline.model import Conversation

CONVERSATIONS = 200
TURNS = 3
GREETING = "Hello?"
"""Everybody begins alike; what follows is each one's own."""


class Clerk(BaseChatModel):
    """Greets everybody alike, and asks for the tool once where it has one."""

    has_tool: bool = False

    @property
    def _llm_type(self) -> str:
        return "clerk"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Clerk:
        return Clerk(has_tool=True)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        await asyncio.sleep(0)  # let the others have a word
        return self._generate(messages)

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        last = messages[-1]
        if self.has_tool and last.type == "human":
            call = {"name": "look_up", "args": {"what": last.text}, "id": "the same for all"}
            return AIMessage("One moment.", tool_calls=[call])
        return AIMessage(answer_to(last.text))


@tool
def look_up(what: str) -> str:
    """Look something up."""
    return f"found {what}"


def answer_to(words: str) -> str:
    return "Hello!" if words == GREETING else f"You said: {words}"


def words_of(number: int) -> list[str]:
    return [GREETING, f"I am {number}.", GREETING][:TURNS]


CHAIN = (
    ChatPromptTemplate.from_messages(
        [("system", "Be kind."), MessagesPlaceholder("history"), ("human", "{words}")]
    )
    | Clerk()
    | StrOutputParser()
)


@pytest.fixture
def client(tmp_path: Any) -> Iterator[threadline.Client]:
    with threadline.Client(store=tmp_path / "s.db", min_free_bytes=0) as client:
        yield client


def check(client: threadline.Client, expected: Callable[[int], list[tuple[str, str]]]) -> None:
    """Each conversation holds what was said in it, each once, in order, and nothing else."""
    report = client.flush(30)
    assert (report.pending, report.dropped) == (0, {})
    with client.reader() as reader:
        for number in range(CONVERSATIONS):
            chat = reader.conversation(f"t-{number}")
            assert chat is not None
            assert chat.user_id == f"u-{number}"
            assert transcript(chat) == expected(number)
            assert {str(turn.status) for turn in chat.turns} == {"ok"}
        assert client.recorder.runs == {}
        assert len(list(reader.conversations(limit=CONVERSATIONS * 2))) == CONVERSATIONS


def transcript(chat: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.text) for turn in chat.turns for m in turn.messages if m.role != "system"]


def talk_of(number: int) -> list[tuple[str, str]]:
    return [
        line for words in words_of(number) for line in (("user", words), _said(answer_to(words)))
    ]


def _said(words: str) -> tuple[str, str]:
    return "assistant", words


def config_of(handler: Any, number: int) -> Any:
    return {
        "callbacks": [handler],
        "metadata": {"thread_id": f"t-{number}", "user_id": f"u-{number}"},
    }


def test_with_threads(client: threadline.Client) -> None:
    """Twenty threads take the conversations' turns; a pool's threads serve many users each."""
    handler = ThreadlineCallbackHandler(client)

    def talk(number: int) -> None:
        history: list[Any] = []
        for words in words_of(number):
            given = {"history": history, "words": words}
            answer = CHAIN.invoke(given, config_of(handler, number))
            history += [("human", words), ("ai", answer)]

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(talk, range(CONVERSATIONS)))
    check(client, talk_of)


def test_with_tasks(client: threadline.Client) -> None:
    """All conversations go on at once in one event loop, in turn called, streamed and told of."""
    handler = ThreadlineCallbackHandler(client)

    async def answer(given: Any, way: int, config: Any) -> str:
        if way == 0:
            return await CHAIN.ainvoke(given, config)
        if way == 1:
            return "".join([chunk async for chunk in CHAIN.astream(given, config)])
        events = [e async for e in CHAIN.astream_events(given, config, version="v2")]
        return str(events[-1]["data"]["output"])

    async def talk(number: int) -> None:
        history: list[Any] = []
        for turn, words in enumerate(words_of(number)):
            given = {"history": history, "words": words}
            said = await answer(given, (number + turn) % 3, config_of(handler, number))
            history += [("human", words), ("ai", said)]

    async def talk_all() -> None:
        await asyncio.gather(*(talk(number) for number in range(CONVERSATIONS)))

    asyncio.run(talk_all())
    check(client, talk_of)


def test_with_scopes_in_tasks(client: threadline.Client) -> None:
    """The same where nothing but the surrounding scope says whose call it is."""
    handler = ThreadlineCallbackHandler(client)

    async def talk(number: int) -> None:
        with threadline.conversation(f"t-{number}", user_id=f"u-{number}", client=client):
            history: list[Any] = []
            for words in words_of(number):
                given = {"history": history, "words": words}
                said = await CHAIN.ainvoke(given, {"callbacks": [handler]})
                history += [("human", words), ("ai", said)]

    async def talk_all() -> None:
        await asyncio.gather(*(talk(number) for number in range(CONVERSATIONS)))

    asyncio.run(talk_all())
    check(client, talk_of)


def test_with_agents_whose_tool_calls_have_one_id(client: threadline.Client) -> None:
    """A batch over all users: tools run on many threads, and every call id is the same."""
    handler = ThreadlineCallbackHandler(client)
    agent = create_agent(Clerk(), [look_up])
    given: Any = [{"messages": [("user", f"I am {n}.")]} for n in range(CONVERSATIONS)]
    agent.batch(given, [config_of(handler, n) for n in range(CONVERSATIONS)])

    def expected(number: int) -> list[tuple[str, str]]:
        found = f"found I am {number}."
        asked = ("user", f"I am {number}.")
        return [asked, _said("One moment."), ("tool", found), _said(answer_to(found))]

    check(client, expected)
