"""A wrong setting is named with what is allowed, and never raises into the application."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

import threadline
from threadline.errors import SettingError
from threadline.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
    import json, threadline
    from langchain_core.runnables import RunnableLambda
    from threadline.langchain import ThreadlineCallbackHandler
    config = {"callbacks": [ThreadlineCallbackHandler()], "metadata": {"thread_id": "t"}}
    with threadline.turn(input="hello"):
        answer = RunnableLambda(str.upper).invoke("hello", config)
    report = threadline.flush()
    print(json.dumps([answer, report.stored, report.dropped]))
"""


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("THREADLINE_CONTENT", "foo", "'content' is 'foo'"),
        ("THREADLINE_SAMPLE", "2", "'sample' is '2'"),
        ("THREADLINE_REDACT", "re:(", "'redact' is 're:('"),
    ],
)
def test_a_wrong_variable_stops_recording_and_says_so(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    """The application's answer is unchanged; one warning names the setting; the loss is counted."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={variable: value, "HOME": str(tmp_path), "PATH": ""},
    )
    answer, stored, dropped = json.loads(ran.stdout)
    assert (answer, stored) == ("HELLO", 0)
    assert sum(dropped.values()) >= 1
    assert ran.stderr.count("threadline:") >= 1
    assert ran.stderr.count(told) == 1
    assert "Traceback" not in ran.stderr


def test_a_reader_raises_what_recording_must_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens the store asks a question, and is told what is wrong."""
    monkeypatch.setenv("THREADLINE_CONTENT", "foo")
    monkeypatch.setattr("threadline.client.defaults._default", {})
    with pytest.raises(SettingError, match="'content' is 'foo'; allowed: \"full\""):
        threadline.open()


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        (["pii"], ("secrets", "pii")),
        ("pii", ("secrets", "pii")),
        (["re:x+"], ("secrets", "re:x+")),
        (["none"], ()),
        ("none", ()),
        ([], ()),
        (["none", "pii"], ("pii",)),
        (["pii", "secrets"], ("pii", "secrets")),
    ],
)
def test_secrets_are_redacted_unless_told_otherwise(given: object, rules: tuple[str, ...]) -> None:
    """More rules never take the default one away."""
    assert resolve({"redact": given}, environ={}).redact == rules


@pytest.mark.parametrize("rule", ["re:", "re:(", "secret", 3, b"x"])
def test_a_rule_that_cannot_work_is_refused(rule: object) -> None:
    """It is told before anything is recorded, with what is allowed."""
    with pytest.raises(SettingError, match="setting 'redact' is "):
        threadline.Client(store="memory", redact=[rule])
