"""Scopes are left anywhere and in any order: nothing is raised, no other scope is touched."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.runnables import RunnableLambda

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ECHO = RunnableLambda(lambda words: f"You said: {words}")


@pytest.fixture
def client() -> Iterator[threadline.Client]:
    with threadline.Client(store="memory") as client:
        yield client


@pytest.fixture
def say(client: threadline.Client) -> Callable[[str], None]:
    """Call a chain that names no conversation itself."""
    handler = ThreadlineCallbackHandler(client)

    def say(words: str) -> None:
        ECHO.invoke(words, {"callbacks": [handler]})

    return say


def heard_where(client: threadline.Client) -> dict[str, str]:
    """Return in which conversation each text was said; a generated one is nobody's."""
    with client.reader() as reader:
        given = {
            chat.thread_id: chat.thread_id if chat.id_source == "application" else "nobody's"
            for chat in reader.conversations(limit=100)
        }
        return {t.messages[0].text: given[t.thread_id] for t in reader.turns(limit=100)}


def stream_in(*scopes: Any) -> Iterator[int]:
    """Yield inside of these scopes, as an application's own streaming generator does."""
    if not scopes:
        yield from range(10)
        return
    with scopes[0]:
        yield from stream_in(*scopes[1:])


def test_a_generator_closed_by_another_user_leaves_that_users_scope_alone(
    client: threadline.Client, say: Callable[[str], None]
) -> None:
    """Garbage collection may close one user's stream in the middle of another user's request."""
    outer, inner = threadline.conversation("anna"), threadline.conversation("anna, inner")
    annas = stream_in(outer, inner)
    contextvars.copy_context().run(next, annas)
    with threadline.conversation("ben"):
        annas.close()
        say("I am Ben")
    say("I am nobody")
    assert heard_where(client) == {"I am Ben": "ben", "I am nobody": "nobody's"}


def test_a_generator_closed_by_another_user_does_not_end_that_users_pause(
    client: threadline.Client, say: Callable[[str], None]
) -> None:
    """What is not to be recorded is not, whoever's pause ends meanwhile."""
    annas = stream_in(threadline.paused())
    contextvars.copy_context().run(next, annas)
    with threadline.paused():
        annas.close()
        say("secret")
    say("public")
    assert list(heard_where(client)) == ["public"]


@pytest.mark.parametrize("scope", [threadline.conversation, threadline.turn])
def test_streams_that_take_turns_leave_in_the_order_they_end(
    client: threadline.Client, say: Callable[[str], None], scope: Any
) -> None:
    """Two generators in one context: whichever ends first, neither's scope outlives it."""
    anna = stream_in(scope(thread_id="anna", **_of(scope, client)))
    ben = stream_in(scope(thread_id="ben", **_of(scope, client)))
    next(anna)
    next(ben)
    anna.close()
    say("inside Ben's")
    ben.close()
    say("outside")
    client.flush()
    where = heard_where(client)
    assert (where["inside Ben's"], where["outside"]) == ("ben", "nobody's")


def _of(scope: Any, client: threadline.Client) -> dict[str, Any]:
    return {"client": client} if scope is threadline.turn else {}


def test_one_scope_object_serves_many_threads(
    client: threadline.Client, say: Callable[[str], None]
) -> None:
    """Each thread leaves what it entered itself, in whatever order."""
    scope = threadline.conversation("shared")
    inside, leaving = threading.Barrier(3), [threading.Event() for _ in range(3)]

    def use(n: int) -> None:
        with scope:
            inside.wait(20)
            say(f"inside {n}")
            leaving[n].wait(20)
        say(f"outside {n}")

    threads = [threading.Thread(target=use, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for n in (0, 2, 1):
        leaving[n].set()
        threads[n].join(20)
    assert heard_where(client) == {
        **{f"inside {n}": "shared" for n in range(3)},
        **{f"outside {n}": "nobody's" for n in range(3)},
    }


def test_a_copied_context_keeps_the_scope_after_it_was_left(
    client: threadline.Client, say: Callable[[str], None]
) -> None:
    """A task that was begun inside and goes on outside belongs to the conversation still."""
    with threadline.conversation("t-1"):
        later = contextvars.copy_context()
    later.run(say, "afterwards")
    say("outside")
    assert heard_where(client) == {"afterwards": "t-1", "outside": "nobody's"}


def test_scopes_entered_twice_and_left_too_often_raise_nothing(client: threadline.Client) -> None:
    """A scope object may be used again; leaving more often than entering does nothing."""
    for scope in (
        threadline.conversation("t-1"),
        threadline.turn(thread_id="t-1", client=client),
        threadline.paused(),
    ):
        for _ in range(2):
            with scope:
                pass
        scope.__exit__(None, None, None)
