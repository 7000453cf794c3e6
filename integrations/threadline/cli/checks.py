"""What `doctor` finds out; each check says what it saw and never fails itself."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from typing import TYPE_CHECKING, Final

import threadline.settings
from threadline.cli import destination_checks, store_checks
from threadline.cli.finding import Finding
from threadline.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.cli.session import Session
    from threadline.settings import Settings

_FRAMEWORKS: Final = (
    ("langchain-core", 1, "langchain-core>=1.0,<2"),
    ("langgraph", 1, "langgraph>=1.0,<2"),
    ("haystack-ai", 3, "haystack-ai>=3.0,<4"),
)


_LIMITS: Final = {
    "haystack-ai": "Recorded: pipelines and agents. Shown to no tracer: generators, retrievers and "
    "tools that are called outside of both, and chunks of generators in pipelines that run "
    "synchronously.",
}
"""What a framework keeps from whoever records it."""


def find_out(session: Session) -> list[Finding]:
    """Check everything, in the order in which it is told."""
    findings = list(_installation())
    settings: Settings | None = None
    try:
        settings = settings_in_force(session)
    except SettingError as error:
        findings.append(Finding("Settings", error.setting, str(error.value), "bad", str(error)))
    if settings is not None:
        findings += store_checks.find_out(session, settings)
        findings += destination_checks.find_out(settings)
        findings += _settings(settings)
    return findings


def settings_in_force(session: Session) -> Settings:
    """Return the settings that an application started here would get."""
    return threadline.settings.resolve({"store": session.store_path})


def _installation() -> Iterator[Finding]:
    topic = "Installation"
    yield Finding(topic, "threadline", installed_version("threadline") or "not as a package")
    yield Finding(topic, "python", f"{platform.python_version()} ({sys.executable})")
    yield store_checks.sqlite_finding(topic)
    for package, major, wanted in _FRAMEWORKS:
        found = installed_version(package)
        if found is None:
            yield Finding(topic, package, "not installed")
        elif _major(found) == major:
            yield Finding(topic, package, found, "good", _LIMITS.get(package, ""))
        else:
            yield Finding(topic, package, found, "warn", f"not supported: {wanted} is")


def installed_version(package: str) -> str | None:
    """Return the version of a package, or None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _major(version: str) -> int:
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else -1


def _settings(settings: Settings) -> Iterator[Finding]:
    for name in threadline.settings.SETTING_NAMES:
        source = settings.sources.get(name, "default")
        text = _setting_text(name, settings)
        from_where = "" if source == "default" else f" (from {_source_name(name, source)})"
        yield Finding("Settings", name, text + from_where)


def _setting_text(name: str, settings: Settings) -> str:
    value = getattr(settings, name)
    if name == "destinations":
        return ", ".join(settings.destination_names) or "none"
    if name == "redact":
        return ", ".join(_rule_text(rule) for rule in settings.redact) or "none"
    if name == "store_mode":
        return f"{value:#o}"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _rule_text(rule: object) -> str:
    return rule if isinstance(rule, str) else getattr(rule, "pattern", type(rule).__name__)


def _source_name(name: str, source: str) -> str:
    return "--store" if source == "argument" and name == "store" else source
