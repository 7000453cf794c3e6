"""Who replaces Haystack's tracer itself silences everybody: it is said, and runs are counted."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import haystack.tracing
import pytest
from haystack.tracing.tracer import NullTracer, Tracer, disable_tracing, enable_tracing
from haystack.tracing.tracer import tracer as holder
from tests.haystack.applications import chat, chat_input

import threadline.haystack
from haystack_integrations.components.connectors.threadline import ThreadlineConnector

if TYPE_CHECKING:
    from haystack import Pipeline

    from threadline import Client

_SAID = "haystack.tracing.tracer was replaced"


def _replace(monkeypatch: pytest.MonkeyPatch, tracer: Tracer) -> None:
    monkeypatch.setattr(haystack.tracing, "tracer", tracer)


def _connected() -> Pipeline:
    pipeline = chat()
    pipeline.add_component("threadline", ThreadlineConnector())
    return pipeline


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "threadline"]


@pytest.mark.usefixtures("client")
def test_replacing_the_tracer_is_said_when_it_happens_and_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The assignment itself is told, with what to do instead; a second one says nothing new."""
    _replace(monkeypatch, NullTracer())
    [said] = _warnings(caplog)
    assert _SAID in said
    assert "enable_tracing" in said
    _replace(monkeypatch, NullTracer())
    threadline.haystack.attach()
    assert len(_warnings(caplog)) == 1


def test_attaching_to_a_replaced_tracer_says_that_it_cannot_help(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who replaced it before anybody attached is found then."""
    threadline.haystack.detach()
    _replace(monkeypatch, NullTracer())
    assert _warnings(caplog) == []
    threadline.haystack.attach()
    assert [_SAID in said for said in _warnings(caplog)] == [True]
    assert not client.has_started


def test_runs_with_a_connector_that_nobody_heard_are_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They return what they return, without the id of a turn, and `flush` tells how many."""
    pipeline = _connected()
    _replace(monkeypatch, NullTracer())
    for _ in range(2):
        result = pipeline.run(chat_input("Hello?"))
        assert result["llm"]["replies"][0].text == "Hello."
        assert result["threadline"]["turn_id"] is None
    assert list(client.flush().dropped.values()) == [2]
    monkeypatch.undo()
    assert pipeline.run(chat_input("Hello?"))["threadline"]["turn_id"] is not None


def test_a_tracer_that_passes_runs_on_loses_none(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application's own object in front of Haystack's loses nothing, and none is counted."""

    class Passing(Tracer):
        def trace(self, *args: Any, **kwargs: Any) -> Any:
            return holder.trace(*args, **kwargs)

        def current_span(self) -> Any:
            return holder.current_span()

    _replace(monkeypatch, Passing())
    assert _connected().run(chat_input("Hello?"))["threadline"]["turn_id"] is not None
    assert client.flush().dropped == {}


@pytest.mark.usefixtures("client")
def test_what_is_no_replacement_is_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Enabling a tracer, turning tracing off, putting the same one back, a lone connector."""
    enable_tracing(NullTracer())
    threadline.haystack.attach()
    _replace(monkeypatch, holder)
    disable_tracing()
    monkeypatch.setattr(haystack.tracing, "somebodys_own", 1, raising=False)
    assert ThreadlineConnector().run()["turn_id"] is None
    assert _warnings(caplog) == []


def test_a_connector_puts_back_a_tracer_that_was_pushed_out(client: Client) -> None:
    """Who writes past the watched assignment silences nothing of the next connector's run."""
    vars(holder)["actual_tracer"] = NullTracer()
    _connected().run(chat_input("Hello?"))
    assert [turn.input for turn in client.reader().turns()] == ["Hello?"]


_TRACER_OF_ITS_OWN = """
import haystack.tracing, threadline
from haystack.tracing.tracer import NullTracer
threadline.configure(store="memory")
threadline.attach("haystack")
haystack.tracing.tracer = NullTracer()
"""


def test_a_program_without_logging_sees_it() -> None:
    """The warning reaches stderr of a program that configured no logging."""
    program = [sys.executable, "-c", _TRACER_OF_ITS_OWN]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert _SAID in done.stderr
