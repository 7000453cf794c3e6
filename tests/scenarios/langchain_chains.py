"""Chains and chats of LangChain: how each shape of scenario is built and called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.runnables.history import RunnableWithMessageHistory
from tests.scenarios.langchain_fakes import ScriptedRetriever

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage

_PARSERS: dict[str, Any] = {"text": StrOutputParser, "json": JsonOutputParser}


def chain(stage: Stage) -> None:
    """A prompt with examples, a model and a parser; the user's words are a variable of it."""
    app = _prompt(stage) | stage.model()
    parser = stage.options.get("parser", "text")
    if parser is not None:
        app = app | _PARSERS[parser]()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def _prompt(stage: Stage) -> ChatPromptTemplate:
    template = stage.options.get("template", "{question}")
    examples = stage.options.get("examples", ())
    head = [("system", stage.options["system"])] if "system" in stage.options else []
    return ChatPromptTemplate.from_messages([*head, *examples, ("human", template)])


def bare_model(stage: Stage) -> None:
    """A model, called with a list of messages."""
    for ask in stage.scenario.asks:
        stage.call(stage.model(), [HumanMessage(ask.text)], ask, stage.config(ask))


def held_messages(stage: Stage) -> None:
    """A prompt with a place for messages; the caller holds the history, as objects."""
    slot = MessagesPlaceholder("messages")
    app = ChatPromptTemplate.from_messages([("system", "Be kind."), slot]) | stage.model()
    history: list[Any] = []
    for ask in stage.scenario.asks:
        history.append(HumanMessage(ask.text))
        answer = stage.call(app, {"messages": history}, ask, stage.config(ask))
        history.append(answer)


def kept_history(stage: Stage) -> None:
    """A history that is kept by session id; only `configurable` names it."""
    slot = MessagesPlaceholder("history")
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), slot, ("human", "{input}")])
    histories: dict[str, InMemoryChatMessageHistory] = {}
    app = RunnableWithMessageHistory(
        prompt | stage.model(),
        lambda session_id: histories.setdefault(session_id, InMemoryChatMessageHistory()),
        input_messages_key="input",
        history_messages_key="history",
    )
    for ask in stage.scenario.asks:
        config: Any = {"callbacks": [stage.handler], "configurable": {"session_id": ask.thread}}
        stage.call(app, {"input": ask.text}, ask, config)


def rag(stage: Stage) -> None:
    """A question, documents for it, and a prompt that is rendered from both."""
    retriever = ScriptedRetriever(found=list(stage.options["found"]))
    prompt = ChatPromptTemplate.from_template(stage.options["template"])
    prompt_of_version = prompt.with_config(
        metadata={"prompt_name": "answer", "prompt_version": "3"}
    )
    context = retriever | RunnableLambda(lambda found: "\n".join(d.page_content for d in found))
    given = {"context": context, "question": RunnablePassthrough()}
    app = given | prompt_of_version | stage.model() | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, ask.text, ask, stage.config(ask))


def condensed_rag(stage: Stage) -> None:
    """A question is first condensed with the history, which the caller keeps as texts."""
    retriever = ScriptedRetriever(found=list(stage.options["found"]))
    slot = MessagesPlaceholder("chat_history")
    condense = ChatPromptTemplate.from_messages(
        [("system", "Rephrase."), slot, ("human", "{question}")]
    )
    answer = ChatPromptTemplate.from_messages(
        [("system", "Context: {context}"), slot, ("human", "{question}")]
    )
    alone = condense | stage.model("condenser") | StrOutputParser() | retriever
    app = (
        RunnablePassthrough.assign(context=alone)
        | answer
        | stage.model("model")
        | StrOutputParser()
    )
    history: list[Any] = []
    for ask in stage.scenario.asks:
        given = {"question": ask.text, "chat_history": list(history)}
        said = stage.call(app, given, ask, stage.config(ask))
        history += [HumanMessage(ask.text), AIMessage(said)]


SHAPES: dict[str, Any] = {
    "chain": chain,
    "bare model": bare_model,
    "held messages": held_messages,
    "kept history": kept_history,
    "rag": rag,
    "condensed rag": condensed_rag,
}

__all__ = ["SHAPES", "Runnable"]
