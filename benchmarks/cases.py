"""The work that is measured: L1, L2 and L3 of the design's budgets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

from benchmarks.models import ScriptedModel, answer_to, talk

if TYPE_CHECKING:
    from benchmarks.handlers import Variant

_MESSAGE_SIZE = 1_500
_HISTORY = 10
_BATCH = 64


class Case(ABC):
    """Work in turns. `prepare` makes the inputs of a block before any clock runs."""

    name: str
    title: str
    limit_ms: float | None
    hooks_limit_ms: float | None = None
    runs_per_turn = 1
    turns: int

    @abstractmethod
    def prepare(self, first: int, turns: int) -> list[Any]:
        """Return the inputs of the turns from number `first` on; every variant gets the same."""

    @abstractmethod
    def run(self, given: Any, variant: Variant) -> None:
        """Run one turn."""


class AgentTurn(Case):
    """A `create_agent` turn with two parallel tools over a history that the caller replays."""

    name = "L1"
    title = "L1 agent turn, two tools, 10-message history replayed"
    limit_ms: float | None = 2.0
    hooks_limit_ms: float | None = 1.0
    turns = 10
    per_conversation = 50

    def __init__(self) -> None:
        model = ScriptedModel(answer_size=_MESSAGE_SIZE)
        self._agent = create_agent(model, [look_up, refund], system_prompt="You help customers.")

    def prepare(self, first: int, turns: int) -> list[Any]:
        return [self._given(number) for number in range(first, first + turns)]

    def run(self, given: Any, variant: Variant) -> None:
        thread_id, messages = given
        config = {"callbacks": variant.callbacks, "metadata": {"thread_id": thread_id}}
        self._agent.invoke({"messages": messages}, config)

    def _given(self, number: int) -> tuple[str, list[BaseMessage]]:
        """The last ten messages of the conversation, as new objects, and a new question."""
        conversation, turn = divmod(number, self.per_conversation)
        messages: list[BaseMessage] = []
        for back in range(_HISTORY // 2, 0, -1):
            messages += self._said(conversation, turn - back)
        question = HumanMessage(_question(conversation, turn))
        return f"agent-{conversation}", [*messages, question]

    def _said(self, conversation: int, turn: int) -> list[BaseMessage]:
        question = _question(conversation, turn)
        return [HumanMessage(question), AIMessage(answer_to(question, _MESSAGE_SIZE))]


class UnknownHistory(AgentTurn):
    """The same, each turn in a conversation that the store has never seen."""

    name = "L1-new"
    title = "L1 where the history is unknown to the store"
    limit_ms = None
    hooks_limit_ms = None
    per_conversation = 1


class Stream(Case):
    """A stream of 100 tokens through prompt | model | parser."""

    name = "L2"
    title = "L2 stream of 100 tokens"
    limit_ms = 1.6
    turns = 10

    def __init__(self) -> None:
        self._chain = _prompt() | ScriptedModel(tokens=100) | StrOutputParser()

    def prepare(self, first: int, turns: int) -> list[Any]:
        return [
            (f"stream-{number // 50}", talk(80, f"{number:06d}"))
            for number in range(first, first + turns)
        ]

    def run(self, given: Any, variant: Variant) -> None:
        thread_id, question = given
        config = {"callbacks": variant.callbacks, "metadata": {"thread_id": thread_id}}
        for _ in self._chain.stream({"question": question}, config):
            pass


class Batch(Case):
    """A batch of 64, each in a conversation of its own; figures are per run."""

    name = "L3"
    title = "L3 batch of 64, per run"
    limit_ms = 0.7
    turns = 2
    runs_per_turn = _BATCH

    def __init__(self) -> None:
        self._chain = _prompt() | ScriptedModel() | StrOutputParser()

    def prepare(self, first: int, turns: int) -> list[Any]:
        return [
            [
                ({"question": talk(80, f"{number:06d}-{user:02d}")}, f"batch-{user}")
                for user in range(_BATCH)
            ]
            for number in range(first, first + turns)
        ]

    def run(self, given: Any, variant: Variant) -> None:
        configs = [
            {"callbacks": variant.callbacks, "metadata": {"thread_id": thread_id}}
            for _, thread_id in given
        ]
        self._chain.batch([question for question, _ in given], configs)


@tool
def look_up(order: str) -> str:
    """Look an order up."""
    return f"order {order}: sent on Monday, not delivered, worth 12 euros; " + "note " * 20


@tool
def refund(amount: int) -> str:
    """Pay an amount back."""
    return f"paid back {amount} euros"


def _prompt() -> ChatPromptTemplate:
    return ChatPromptTemplate.from_messages(
        [("system", "You help customers of a shop."), ("human", "Answer shortly: {question}")]
    )


def _question(conversation: int, turn: int) -> str:
    seed = f"{conversation:04d}-{turn + 100:06d}"
    return talk(_MESSAGE_SIZE, seed)


CASES: tuple[type[Case], ...] = (AgentTurn, UnknownHistory, Stream, Batch)
