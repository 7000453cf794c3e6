"""Pipelines of Haystack: how each shape of scenario is built and called."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from haystack import SuperComponent, component
from haystack.components.builders import ChatPromptBuilder, PromptBuilder
from haystack.components.generators.chat import FallbackChatGenerator
from haystack.dataclasses import ChatMessage, ImageContent, ToolCall
from tests.scenarios.haystack_fakes import Keep, Kept, Remember, ScriptedRetriever

if TYPE_CHECKING:
    from haystack import Pipeline
    from tests.scenarios.haystack_stage import Stage
    from tests.scenarios.script import Ask

_DOT = "R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="
_ROLES = {"human": ChatMessage.from_user, "ai": ChatMessage.from_assistant}
_SPEAKS = (("prompt.prompt", "llm.messages"),)


@component
class ParseJson:
    """Parses an answer."""

    @component.output_types(parsed=dict[str, Any])
    def run(self, replies: list[ChatMessage]) -> dict[str, Any]:
        text = (replies[0].text or "").removeprefix("```json\n").removesuffix("\n```")
        return {"parsed": json.loads(text)}


def chain(stage: Stage) -> None:
    """A prompt with examples, a model and a parser; the user's words are a variable of it."""
    _ask(stage, one_chain(stage))


def one_chain(stage: Stage, name: str = "model", **more: Any) -> Pipeline:
    """Return a pipeline of a prompt and a model."""
    parts = {"prompt": prompt_of(stage), "llm": stage.model(name), **more}
    connections = _SPEAKS
    if stage.options.get("parser") == "json":
        parts["parser"] = ParseJson()
        connections = (*_SPEAKS, ("llm.replies", "parser.replies"))
    return stage.pipeline(connections, **parts)


def prompt_of(stage: Stage) -> ChatPromptBuilder:
    """Return the prompt that the scenario's options describe."""
    template = stage.options.get("template", "{question}")
    examples = [_ROLES[role](text) for role, text in stage.options.get("examples", ())]
    head = [ChatMessage.from_system(stage.options["system"])] if "system" in stage.options else []
    asked = ChatMessage.from_user(_jinja(template))
    end = [ChatMessage.from_assistant(text)] if (text := stage.options.get("prefill")) else []
    return ChatPromptBuilder([*head, *examples, asked, *end], required_variables="*")


def _jinja(template: str) -> str:
    return template.replace("{", "{{ ").replace("}", " }}")


def _ask(stage: Stage, app: Pipeline, **more: Any) -> None:
    for ask in stage.scenario.asks:
        stage.call(app, {"prompt": {"question": ask.text, **more}}, ask)


def bare_model(stage: Stage) -> None:
    """A pipeline of a model alone, called with a list of messages."""
    app = stage.pipeline(llm=stage.model())
    for ask in stage.scenario.asks:
        stage.call(app, {"llm": {"messages": [ChatMessage.from_user(ask.text)]}}, ask)


def rag(stage: Stage) -> None:
    """A question, documents for it, and a prompt that is rendered from both."""
    app = stage.pipeline(
        (("retriever.documents", "prompt.context"), *_SPEAKS),
        retriever=ScriptedRetriever(stage.options["found"]),
        prompt=prompt_of(stage),
        llm=stage.model(),
    )
    for ask in stage.scenario.asks:
        data = {"retriever": {"query": ask.text}, "prompt": {"question": ask.text}}
        stage.call(app, data, ask)


@component
class Words:
    """Gives the words of an answer."""

    @component.output_types(text=str)
    def run(self, replies: list[ChatMessage]) -> dict[str, Any]:
        return {"text": replies[0].text}


@component
class Joined:
    """Puts a question behind a history."""

    def __init__(self, system: str) -> None:
        self.system = system

    @component.output_types(messages=list[ChatMessage])
    def run(self, history: list[ChatMessage], question: str, documents: list[Any]) -> Any:
        head = ChatMessage.from_system(self.system)
        return {"messages": [head, *history, ChatMessage.from_user(question)]}


def condensed_rag(stage: Stage) -> None:
    """A question is first condensed with the history, which the caller keeps as messages."""
    app = stage.pipeline(
        (
            ("condense.messages", "condenser.messages"),
            ("condenser.replies", "words.replies"),
            ("words.text", "retriever.query"),
            ("retriever.documents", "prompt.documents"),
            ("prompt.messages", "llm.messages"),
        ),
        condense=Joined("Rephrase."),
        condenser=stage.model("condenser"),
        words=Words(),
        retriever=ScriptedRetriever(stage.options["found"]),
        prompt=Joined("Answer."),
        llm=stage.model("model"),
    )
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        given = {"history": list(history), "question": ask.text}
        data = {"condense": {**given, "documents": []}, "prompt": given}
        result = stage.call(app, data, ask)
        history += [ChatMessage.from_user(ask.text), result["llm"]["replies"][0]]


def completion(stage: Stage) -> None:
    """A prompt and a completion model."""
    app = stage.pipeline(
        (("prompt.prompt", "llm.prompt"),),
        prompt=PromptBuilder(_jinja(stage.options["template"]), required_variables="*"),
        llm=stage.completion(),
    )
    _ask(stage, app)


def bare_completion(stage: Stage) -> None:
    """A completion model that is called alone."""
    app = stage.pipeline(llm=stage.completion())
    for ask in stage.scenario.asks:
        stage.call(app, {"llm": {"prompt": ask.text}}, ask)


def fallback(stage: Stage) -> None:
    """A model with another one for when it fails."""
    both = FallbackChatGenerator([stage.model("first"), stage.model("second")])
    _ask(stage, stage.pipeline(_SPEAKS, prompt=prompt_of(stage), llm=both))


def batch(stage: Stage) -> None:
    """Threads, each with a user of its own."""
    app = one_chain(stage)

    def one(ask: Ask) -> None:
        stage.call(app, {"prompt": {"question": ask.text}}, ask)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, stage.scenario.asks))


def abatch(stage: Stage) -> None:
    """Tasks of one loop, each with a user of its own."""
    app = one_chain(stage)

    def one(ask: Ask) -> Any:
        whose = {"thread_id": ask.thread, "user_id": ask.user}
        return app.run_async({"prompt": {"question": ask.text}, "threadline": whose})

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, stage.scenario.asks))

    asyncio.run(all_of_them())


def nested(stage: Stage) -> None:
    """A pipeline inside a component of another one."""
    inner = SuperComponent(
        stage.pipeline(llm=stage.model()), output_mapping={"llm.replies": "replies"}
    )
    app = stage.pipeline(inner=inner)
    for ask in stage.scenario.asks:
        stage.call(app, {"inner": {"messages": [ChatMessage.from_user(ask.text)]}}, ask)


def two_answers(stage: Stage) -> None:
    """Two models side by side."""
    app = stage.pipeline(llm=stage.model("model"), topic=stage.model("topic"))
    for ask in stage.scenario.asks:
        given = {"messages": [ChatMessage.from_user(ask.text)]}
        stage.call(app, {"llm": given, "topic": given}, ask)


@component
class Job:
    """Asks under many ids."""

    def __init__(self, app: Pipeline, stage: Stage) -> None:
        self.app = app
        self.stage = stage

    @component.output_types(count=int)
    def run(self, start: int) -> dict[str, Any]:
        for ask in self.stage.scenario.asks:
            self.stage.call(self.app, {"prompt": {"question": ask.text}}, ask)
        return {"count": len(self.stage.scenario.asks)}


def job_over_many_chats(stage: Stage) -> None:
    """One pipeline that runs another under many ids."""
    stage.pipeline(job=Job(one_chain(stage), stage)).run({"job": {"start": 0}})


@component
class Upper:
    """Answers without any model."""

    @component.output_types(result=str)
    def run(self, text: str) -> dict[str, Any]:
        return {"result": text.upper()}


def function_alone(stage: Stage) -> None:
    """A component that answers a text by a text."""
    app = stage.pipeline(upper=Upper())
    for ask in stage.scenario.asks:
        stage.call(app, {"upper": {"text": ask.text}}, ask)


def held_messages(stage: Stage) -> None:
    """The caller holds the history, as objects, and sends it all."""
    app = stage.pipeline(llm=stage.model())
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        history.append(ChatMessage.from_user(ask.text))
        result = stage.call(app, {"llm": {"messages": list(history)}}, ask)
        history += result["llm"]["replies"]


def kept_history(stage: Stage) -> None:
    """Components keep the history, by its id; nothing else names the conversation."""
    app = one_memory(stage, {})
    for ask in stage.scenario.asks:
        stage.call(app, memory_input(ask), ask, named=False)


def one_memory(stage: Stage, kept: Kept, *, is_watched: bool = True) -> Pipeline:
    """Return a pipeline that remembers in `kept`; without a connector nobody watches it."""
    app = stage.pipeline(
        (("remember.messages", "llm.messages"), ("llm.replies", "keep.replies")),
        remember=Remember(kept),
        llm=stage.model(),
        keep=Keep(kept),
    )
    if not is_watched:
        app.remove_component("threadline")
    return app


def memory_input(ask: Ask) -> dict[str, Any]:
    """Return what such a pipeline is given."""
    now = [ChatMessage.from_user(ask.text)]
    return {
        "remember": {"chat_history_id": ask.thread, "current_messages": now},
        "keep": {"chat_history_id": ask.thread},
    }


def chat_memory(stage: Stage) -> None:
    """The same where the connector names the conversation too."""
    app = one_memory(stage, {})
    for ask in stage.scenario.asks:
        stage.call(app, memory_input(ask), ask)


def window(stage: Stage) -> None:
    """The caller sends the last three messages only."""
    app = stage.pipeline(llm=stage.model())
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        history.append(ChatMessage.from_user(ask.text))
        result = stage.call(app, {"llm": {"messages": history[-3:]}}, ask)
        history += result["llm"]["replies"]


def history_of_pairs(stage: Stage) -> None:
    """The caller keeps texts, and makes messages of them each time."""
    app = stage.pipeline(llm=stage.model())
    history: list[tuple[str, str]] = []
    for ask in stage.scenario.asks:
        history.append(("human", ask.text))
        messages = [_ROLES[role](f"{text}") for role, text in history]
        result = stage.call(app, {"llm": {"messages": messages}}, ask)
        history.append(("ai", json.loads(json.dumps(result["llm"]["replies"][0].text))))


def image(stage: Stage) -> None:
    """A question with an image."""
    app = stage.pipeline(llm=stage.model())
    for ask in stage.scenario.asks:
        parts = [ask.text, ImageContent(_DOT, mime_type="image/gif")]
        asked = ChatMessage.from_user(content_parts=parts)
        stage.call(app, {"llm": {"messages": [asked]}}, ask)


def caller_with_tools(stage: Stage) -> None:
    """The caller executes the tools, outside of any run."""
    app = stage.pipeline(llm=stage.model())
    for ask in stage.scenario.asks:
        messages = [ChatMessage.from_user(ask.text)]
        given = {"messages": list(messages), "tools": stage.tools}
        messages += stage.call(app, {"llm": given}, ask)["llm"]["replies"]
        for asked in messages[-1].tool_calls:
            result = stage.scenario.tools[0](**asked.arguments)
            messages.append(ChatMessage.from_tool(str(result), origin=_copy(asked)))
        stage.call(app, {"llm": {"messages": messages, "tools": stage.tools}}, ask)


def _copy(asked: ToolCall) -> ToolCall:
    return ToolCall(asked.tool_name, dict(asked.arguments), asked.id)


def held_by_two(stage: Stage) -> None:
    """Two users take turns; each one's caller holds his history."""
    app = stage.pipeline(llm=stage.model())
    histories: list[list[ChatMessage]] = [[], []]
    for n, ask in enumerate(stage.scenario.asks):
        history = histories[n % 2]
        history.append(ChatMessage.from_user(ask.text))
        result = stage.call(app, {"llm": {"messages": list(history)}}, ask)
        history += result["llm"]["replies"]


@component
class Broken:
    """A look-up that fails."""

    @component.output_types(context=str)
    def run(self, query: str) -> dict[str, Any]:
        msg = "no database"
        raise ConnectionError(msg)


def failing_rag(stage: Stage) -> None:
    """A pipeline whose look-up fails."""
    prompt = ChatPromptBuilder(
        [ChatMessage.from_user("{{ context }}: {{ question }}")], required_variables="*"
    )
    app = stage.pipeline(
        (("broken.context", "prompt.context"), *_SPEAKS),
        broken=Broken(),
        prompt=prompt,
        llm=stage.model(),
    )
    for ask in stage.scenario.asks:
        data = {"broken": {"query": ask.text}, "prompt": {"question": ask.text}}
        stage.call(app, data, ask)


@component
class Index:
    """Puts documents somewhere and says how many."""

    @component.output_types(count=int)
    def run(self, texts: list[str]) -> dict[str, Any]:
        return {"count": len(texts)}


def indexing(stage: Stage) -> None:
    """A job that answers nobody."""
    app = stage.pipeline(index=Index())
    for ask in stage.scenario.asks:
        stage.call(app, {"index": {"texts": [ask.text, "another"]}}, ask)


SHAPES: dict[str, Any] = {
    "chain": chain,
    "prefill": chain,
    "bare model": bare_model,
    "rag": rag,
    "condensed rag": condensed_rag,
    "completion": completion,
    "bare completion": bare_completion,
    "fallback": fallback,
    "fallback in a chain": fallback,
    "batch": batch,
    "abatch": abatch,
    "chain in a function": nested,
    "two answers": two_answers,
    "job over many chats": job_over_many_chats,
    "function alone": function_alone,
    "held messages": held_messages,
    "kept history": kept_history,
    "chat graph": chat_memory,
    "window": window,
    "history of pairs": history_of_pairs,
    "image": image,
    "caller with tools": caller_with_tools,
    "held by two": held_by_two,
    "failing rag": failing_rag,
    "indexing": indexing,
}
