"""Settings: where they come from, and what is said of a wrong one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from threadline.errors import SettingError
from threadline.settings import SETTING_NAMES, resolve

_WRONG: dict[str, list[Any]] = {
    "enabled": ["maybe", 2],
    "app": ["", "a/b", ".hidden", 3],
    "environment": ["", 3],
    "release": [" "],
    "tenant": ["", 7],
    "store": ["", 7],
    "store_mode": ["rw", 0o400, 0o7777, True],
    "durability": ["disk", 1],
    "content": ["some"],
    "redact": [["secret"], 7],
    "destinations": [[""], ["a", "a"], 7],
    "ship": ["maybe", 2],
    "shutdown_timeout": [-1, "soon", True, 99_999],
    "min_free_bytes": [-1, "much"],
    "conversation_events": [7, [""], [7]],
    "max_memory_bytes": [10, "64MB"],
    "sample": [-0.1, 1.1, "half"],
}


def test_every_setting_is_tried() -> None:
    """A new setting needs a wrong value here."""
    assert set(_WRONG) == set(SETTING_NAMES)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in _WRONG.items() for value in values]
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: Any) -> None:
    """The setting, the value (or the part of it that is wrong) and what would do."""
    with pytest.raises(SettingError, match=re.escape(f"setting {name!r} is ")) as caught:
        resolve({name: value}, environ={})
    assert caught.value.setting == name
    assert caught.value.allowed in str(caught.value)


def test_an_unknown_setting_is_named_with_all_there_are() -> None:
    """A misspelt setting must not pass for a default."""
    with pytest.raises(SettingError, match=r"'stor' is 'x'; allowed: one of enabled, app, .*store"):
        resolve({"stor": "x"}, environ={})


def test_an_argument_comes_before_the_environment_and_that_before_the_default() -> None:
    """Where each value came from is told."""
    environ = {"THREADLINE_CONTENT": "off", "THREADLINE_SAMPLE": "0.5", "HOME": "/home/ada"}
    settings = resolve({"content": "metadata", "tenant": None}, environ)
    assert (settings.content, settings.sample, settings.tenant) == ("metadata", 0.5, None)
    assert settings.sources["content"] == "argument"
    assert settings.sources["sample"] == "THREADLINE_SAMPLE"
    assert settings.sources["durability"] == "default"


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/threadline/shop.db"),
        ({"HOME": "/home/ada", "XDG_STATE_HOME": "/state"}, "/state/threadline/shop.db"),
        (
            {"HOME": "/home/ada", "XDG_STATE_HOME": "rel"},
            "/home/ada/.local/state/threadline/shop.db",
        ),
    ],
)
def test_the_default_store_is_in_the_state_folder(environ: dict[str, str], store: str) -> None:
    """It goes by the application's name, which OpenTelemetry's variable may give."""
    settings = resolve({}, {"OTEL_SERVICE_NAME": "shop", **environ})
    assert settings.store == Path(store)


def test_without_a_home_the_store_is_in_the_temporary_folder() -> None:
    """There is always somewhere."""
    store = resolve({"app": "shop"}, environ={}).store
    assert isinstance(store, Path)
    assert store.is_absolute()
    assert store.name == "shop.db"


def test_text_from_the_environment_is_read_as_meant() -> None:
    """Flags, numbers, octal modes and lists as a shell writes them."""
    environ = {
        "THREADLINE_ENABLED": "off",
        "THREADLINE_STORE_MODE": "640",
        "THREADLINE_DESTINATIONS": "otlp, freeplay",
        "THREADLINE_SHUTDOWN_TIMEOUT": "0.5",
        "THREADLINE_MIN_FREE_BYTES": "",
    }
    settings = resolve({}, environ)
    assert settings.enabled is False
    assert settings.store_mode == 0o640
    assert settings.destination_names == ("otlp", "freeplay")
    assert settings.shutdown_timeout == 0.5
    assert settings.min_free_bytes == 500_000_000
