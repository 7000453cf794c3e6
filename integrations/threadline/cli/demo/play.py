"""How the demo goes: the agent talks, each turn is shown as it happens, then the record of it."""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType] (langchain leaves it partly untyped)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError

from threadline.cli.chat_view import draw_chat
from threadline.cli.demo.endpoint import choose_model
from threadline.cli.demo.talk import Talk, reading_width
from threadline.cli.demo.travel import (
    INSTRUCTIONS,
    QUESTIONS,
    tell_the_model_what_failed,
    travel_tools,
)
from threadline.cli.program import program_name
from threadline.cli.session import Session, place
from threadline.client import Client
from threadline.errors import EndpointError, StoreUnavailableError
from threadline.langchain import config
from threadline.render.cells import wrapped
from threadline.render.printable import one_line
from threadline.settings import MEMORY

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from rich.console import Console

    from threadline.cli.demo.endpoint import Chosen
    from threadline.store.reader import Reader

_LONG: Final = 1000
_MOST_STEPS: Final = 20
"""How often a model of the user's own may call a tool in one turn before it is stopped."""


def play(console: Console, store_path: Path | None, *, pace: float) -> None:
    """Run the demo.

    Raises:
        EndpointError: if the user's own endpoint does not answer.
        StoreError: if the store cannot be used.
    """
    session = Session(store_path=store_path, out=console)
    chosen = choose_model(pace=pace)
    _introduce(session, chosen)
    thread_id = f"demo-{secrets.token_hex(3)}"
    # what is set for the user's own application must neither silence the demo nor send it away
    settings: dict[str, Any] = {"enabled": True, "sample": 1.0, "destinations": ()}
    with Client(store=store_path, min_free_bytes=0, **settings) as client:
        asked = config(
            thread_id=thread_id,
            user_id="ada",
            name="travel agent",
            tags=["demo"],
            client=client,
            config={"recursion_limit": _MOST_STEPS},
        )
        _talk(session, chosen, asked, pace=pace)
        _show(session, client.reader(), thread_id)


def _introduce(session: Session, chosen: Chosen) -> None:
    session.line(("Threadline demo", "strong"))
    session.line()
    what = "A LangChain agent with three tools and a memory helps a traveller."
    for line in wrapped(f"{what} Its model is {chosen.what}.", width=reading_width(session)):
        session.line((line, "plain"))


def _talk(session: Session, chosen: Chosen, asked: RunnableConfig, *, pace: float) -> None:
    agent: Any = create_agent(
        chosen.model,
        travel_tools(pace=pace),
        system_prompt=INSTRUCTIONS,
        middleware=[tell_the_model_what_failed],
        checkpointer=InMemorySaver(),
    )
    for question in QUESTIONS:
        talk = Talk(session)
        talk.asked(question)
        try:
            for step in agent.stream({"messages": [("user", question)]}, asked):
                talk.went_on(step)
        except GraphRecursionError:
            talk.gave_up(_MOST_STEPS)
        except Exception as error:
            if chosen.url is None or not _is_from_openai(error):
                raise
            raise EndpointError(chosen.url, one_line(str(error), width=_LONG)) from error


def _is_from_openai(error: Exception) -> bool:
    from openai import OpenAIError

    return isinstance(error, OpenAIError)


def _show(session: Session, store: Reader, thread_id: str) -> None:
    conversation = store.conversation(thread_id)
    if conversation is None:
        reason = "what was recorded is not in it yet"
        raise StoreUnavailableError(store.path or Path(MEMORY), reason)
    program, named = program_name(), ""
    if session.store_path is not None:
        named = f" --store {shlex.quote(str(session.store_path))}"
    session.line()
    session.line(("─" * reading_width(session), "dim"))
    session.line(("This is what Threadline recorded; it is shown again by", "plain"))
    session.line((f"  {program} show {thread_id}{named}", "strong"))
    session.line()
    draw_chat(session, conversation, full=False, prelude=False)
    session.line()
    session.line(("─" * reading_width(session), "dim"))
    if store.path is None:
        session.line(("It was in memory only and is gone now.", "plain"))
        return
    session.line(("It is in ", "plain"), (place(store), "strong"), (". Try next:", "plain"))
    commands = {
        f"show {thread_id} --trace{named}": "times and tokens of each step",
        f"search sunglasses{named}": "where something was said",
        f"list{named}": "what else there is",
    }
    width = max(map(len, commands))
    for command, what in commands.items():
        line = f"  {program} {command:{width}}"
        note = f"  {what}" if len(line) + 2 + len(what) <= session.width else ""
        session.line((line.rstrip() if not note else line, "strong"), (note, "dim"))
