"""The fixture `threadline_recorder`, as the tests of an application use it."""

import subprocess
import sys

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

import threadline
from threadline.client import default_client
from threadline.testing.recorder import ThreadlineRecorder, recording

pytest_plugins = ["pytester"]

_HEAVY = ("langchain_core", "msgspec", "httpx", "sqlite3", "threadline.client")


@tool
def refund(order: int) -> str:
    """Give the money back."""
    return f"order {order} was refunded"


def _shout(text: str) -> str:
    return text.upper()


def test_what_ran_is_there_at_once_and_oldest_first(threadline_recorder: ThreadlineRecorder):
    chain = RunnableLambda(_shout)
    for text, thread in (("hello", "t-1"), ("bye", "t-1"), ("who?", "t-2")):
        chain.invoke(text, threadline_recorder.config(thread_id=thread, user_id="u-1"))
    assert [turn.input for turn in threadline_recorder.turns] == ["hello", "bye", "who?"]
    assert [m.text for m in threadline_recorder.messages][:2] == ["hello", "HELLO"]
    assert [c.thread_id for c in threadline_recorder.conversations] == ["t-1", "t-2"]
    found = threadline_recorder.conversation("t-1")
    assert found is not None
    assert [turn.output for turn in found.turns] == ["HELLO", "BYE"]
    assert found.user_id == "u-1"
    assert threadline_recorder.conversation("t-3") is None


def test_a_recorder_begins_empty(threadline_recorder: ThreadlineRecorder):
    assert threadline_recorder.turns == []
    assert threadline_recorder.messages == []
    assert threadline_recorder.conversations == []


def test_more_turns_than_a_page_holds_are_all_there(
    threadline_recorder: ThreadlineRecorder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("threadline.testing.recorder._PAGE", 2)
    config = threadline_recorder.config(thread_id="t-1")
    RunnableLambda(_shout).batch([str(number) for number in range(5)], config)
    assert sorted(turn.input for turn in threadline_recorder.turns) == ["0", "1", "2", "3", "4"]


def test_one_handler_serves_the_whole_test(threadline_recorder: ThreadlineRecorder):
    handler = threadline_recorder.handler
    assert handler is threadline_recorder.handler
    metadata = {"thread_id": "t-1"}
    RunnableLambda(_shout).invoke("hi", {"callbacks": [handler], "metadata": metadata})
    assert [turn.thread_id for turn in threadline_recorder.turns] == ["t-1"]


def test_what_follows_the_default_client_is_recorded_too(threadline_recorder: ThreadlineRecorder):
    assert default_client() is threadline_recorder.client
    with threadline.turn(thread_id="t-1", input="Where is it?") as turn:
        turn.tool("track", {"order": 7}, result="in Lyon")
        turn.output = "In Lyon."
    threadline.attach("langchain")
    try:
        RunnableLambda(_shout).invoke("hi", {"metadata": {"thread_id": "t-2"}})
    finally:
        threadline.detach()
    first, second = threadline_recorder.turns
    assert [o.name for o in first.tool_observations] == ["track"]
    assert [m.text for m in second.messages] == ["hi", "HI"]
    assert threadline.last() == second


def test_the_default_client_from_before_is_it_again_afterwards():
    before = default_client()
    with recording() as recorder:
        assert default_client() is recorder.client
        threadline.configure(store="memory").close()
    assert default_client() is before


def test_settings_of_the_environment_neither_silence_nor_ship_a_test(
    monkeypatch: pytest.MonkeyPatch,
):
    shell = {
        "ENABLED": "false",
        "SAMPLE": "0",
        "CONTENT": "off",
        "DESTINATIONS": "otlp",
        "TENANT": "acme",
    }
    for name, value in shell.items():
        monkeypatch.setenv(f"THREADLINE_{name}", value)
    with recording() as recorder:
        RunnableLambda(_shout).invoke("hello", recorder.config(thread_id="t-1"))
        assert [m.text for m in recorder.messages] == ["hello", "HELLO"]
        assert [c.tenant for c in recorder.conversations] == ["acme"]
        assert recorder.client.settings.destinations == ()


@pytest.mark.parametrize("hook", ["on_chain_start", "on_chain_end", "on_tool_start"])
def test_a_failing_hook_fails_the_test(
    hook: str, threadline_recorder: ThreadlineRecorder, monkeypatch: pytest.MonkeyPatch
):
    kind, method = hook.removeprefix("on_").split("_")
    target = "starts.Starts" if method == "start" else "ends.Ends"

    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"threadline.langchain.{target}.{kind}", fail)
    steps = RunnableLambda(lambda number: refund.invoke({"order": number}))
    with pytest.raises(ZeroDivisionError):
        steps.invoke(1, threadline_recorder.config(thread_id="t-1"))


def test_a_loss_is_told_at_the_end():
    with pytest.raises(AssertionError, match=r"lost .* \(a disk was full: 2\)"), recording() as r:
        r.client.losses.add("a disk was full", 2)


def test_the_test_of_the_readme_passes_and_its_neighbour_knows_nothing(pytester: pytest.Pytester):
    pytester.makepyfile("""
        from langchain_core.runnables import RunnableLambda
        from langchain_core.tools import tool

        @tool
        def refund(order: int) -> str:
            "Give the money back."
            return f"order {order} was refunded"

        def test_refund(threadline_recorder):
            config = threadline_recorder.config(thread_id="t")
            RunnableLambda(lambda order: refund.invoke({"order": order})).invoke(7, config)
            assert [o.name for o in threadline_recorder.turns[-1].tool_observations] == ["refund"]

        def test_neighbour(threadline_recorder):
            assert threadline_recorder.turns == []
    """)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_the_plugin_loads_nothing_while_no_test_asks_for_it(pytester: pytest.Pytester):
    pytester.makepyfile(f"""
        import sys

        def test_nothing_heavy_is_loaded():
            assert "threadline.testing.plugin" in sys.modules
            assert [name for name in {_HEAVY!r} if name in sys.modules] == []
    """)
    plugins = ("-p", "no:randomly", "-p", "no:hypothesispytest", "-p", "no:langsmith_plugin")
    pytester.runpytest_subprocess(*plugins).assert_outcomes(passed=1)


def test_the_fixture_is_listed_with_what_it_is_for(pytester: pytest.Pytester):
    shown = pytester.runpytest_subprocess("--fixtures").stdout.str()
    assert "threadline_recorder" in shown
    assert "in memory, for this test alone" in shown


def test_the_plugin_imports_pytest_and_nothing_else():
    program = (
        "import sys, pytest; before = set(sys.modules); import threadline.testing.plugin;"
        "print(sorted(n for n in set(sys.modules) - before if not n.startswith('threadline')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
