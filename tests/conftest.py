"""What holds for every test: nothing of the shell it is started from reaches it."""

import os
from pathlib import Path

import pytest

# Accounts, endpoints, proxies and settings of whoever runs the tests.
_FOREIGN = (
    "CONTEXT_",
    "FREEPLAY_",
    "HAYSTACK_",
    "LANGCHAIN_",
    "LANGGRAPH_",
    "LANGSMITH_",
    "OPENAI_",
    "OTEL_",
    "THREADLINE_",
)
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")


def _clean_environment() -> None:
    """Clean the environment before anything else, and with it any framework, is imported."""
    for name in list(os.environ):
        if name.upper().startswith(_FOREIGN) or name.upper() in _PROXIES:
            del os.environ[name]
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"


_clean_environment()  # not in a hook of pytest: a folder's own conftest may be imported before it


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own, so that none meets another's default store."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder
