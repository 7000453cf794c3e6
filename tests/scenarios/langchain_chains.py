"""Chains of LangChain: how each shape of scenario is built and called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from pydantic import BaseModel
from tests.scenarios.langchain_fakes import ScriptedRetriever

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage
    from tests.scenarios.script import Ask

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


def completion(stage: Stage) -> None:
    """A prompt and a completion model."""
    app = _prompt(stage) | stage.completion() | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def bare_completion(stage: Stage) -> None:
    """A completion model that is called alone."""
    for ask in stage.scenario.asks:
        stage.call(stage.completion(), ask.text, ask, stage.config(ask))


class Place(BaseModel):
    """Where something is."""

    city: str


def structured_output(stage: Stage) -> None:
    """A model that answers in a schema, by calling a tool named after it."""
    app = _prompt(stage) | stage.model().with_structured_output(Place)
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def fallback(stage: Stage) -> None:
    """A model with another one for when it fails, called alone."""
    app = stage.model("first").with_fallbacks([stage.model("second")])
    for ask in stage.scenario.asks:
        stage.call(app, [HumanMessage(ask.text)], ask, stage.config(ask))


def fallback_in_a_chain(stage: Stage) -> None:
    """A chain whose model has another one for when it fails."""
    model = stage.model("first").with_fallbacks([stage.model("second")])
    app = _prompt(stage) | model | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def retrying_model(stage: Stage) -> None:
    """A chain whose model is tried again when it fails."""
    model = stage.model().with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
    app = _prompt(stage) | model | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def cached_chain(stage: Stage) -> None:
    """A chain whose model's answers are cached, ids and all."""
    model = stage.model()
    model.cache = InMemoryCache()
    app = _prompt(stage) | model | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def batch(stage: Stage) -> None:
    """All questions at once, each with a config of its own; threads of a pool."""
    app = _prompt(stage) | stage.model() | StrOutputParser()
    all_asks = stage.scenario.asks
    app.batch([{"question": ask.text} for ask in all_asks], [stage.config(a) for a in all_asks])


def abatch(stage: Stage) -> None:
    """All questions at once, each with a config of its own; tasks of a loop."""
    app = _prompt(stage) | stage.model() | StrOutputParser()
    all_asks = stage.scenario.asks
    given = [{"question": ask.text} for ask in all_asks]
    asyncio.run(app.abatch(given, [stage.config(ask) for ask in all_asks]))


def chain_in_a_function(stage: Stage) -> None:
    """A function that calls a chain, inside a chain."""
    inner = _prompt(stage) | stage.model() | StrOutputParser()
    app = RunnableLambda(inner.invoke) | RunnableLambda(str.strip)
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def two_answers(stage: Stage) -> None:
    """Two chains side by side; what the application calls the answer is one of them."""
    prompt = _prompt(stage)
    topic = prompt | stage.model("topic") | StrOutputParser()
    answer = prompt | stage.model("model") | StrOutputParser()
    app: Any = RunnableParallel(answer=answer, topic=topic)
    for ask in stage.scenario.asks:
        config = stage.config(ask, max_concurrency=1)
        stage.call(app, {"question": ask.text}, ask, config)


def job_over_many_chats(stage: Stage) -> None:
    """One function answers many users, each call with its own thread id."""
    inner = _prompt(stage) | stage.model() | StrOutputParser()

    def job(all_asks: tuple[Ask, ...]) -> int:
        for ask in all_asks:
            metadata = {"thread_id": ask.thread, "user_id": ask.user}
            inner.invoke({"question": ask.text}, {"metadata": metadata})
        return len(all_asks)

    RunnableLambda(job).invoke(stage.scenario.asks, {"callbacks": [stage.handler]})


def prompt_alone(stage: Stage) -> None:
    """A prompt that is rendered, and no more."""
    for ask in stage.scenario.asks:
        stage.call(_prompt(stage), {"question": ask.text}, ask, stage.config(ask))


def function_alone(stage: Stage) -> None:
    """A function that answers without any model."""
    for ask in stage.scenario.asks:
        stage.call(RunnableLambda(str.upper), ask.text, ask, stage.config(ask))


def tool_alone(stage: Stage) -> None:
    """A tool that the application calls, outside of any turn."""
    for ask in stage.scenario.asks:
        stage.call(stage.tools[0], {"city": ask.text}, ask, stage.config(ask))


SHAPES: dict[str, Any] = {
    "chain": chain,
    "bare model": bare_model,
    "completion": completion,
    "bare completion": bare_completion,
    "structured output": structured_output,
    "fallback": fallback,
    "fallback in a chain": fallback_in_a_chain,
    "retrying model": retrying_model,
    "cached chain": cached_chain,
    "batch": batch,
    "abatch": abatch,
    "chain in a function": chain_in_a_function,
    "two answers": two_answers,
    "job over many chats": job_over_many_chats,
    "prompt alone": prompt_alone,
    "function alone": function_alone,
    "tool alone": tool_alone,
    "rag": rag,
    "condensed rag": condensed_rag,
}
