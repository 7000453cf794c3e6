"""All settings, read and checked in one place: argument, then environment, then default."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, cast

from threadline.errors import SettingError

MEMORY: Final = "memory"

RedactRule = str | re.Pattern[str] | Callable[[str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of one client. Make one with `resolve`; see the README for each meaning.

    `sources` tells for each name where its value came from: `argument`, the environment
    variable's name, or `default`.
    """

    enabled: bool = True
    app: str = ""
    environment: str | None = None
    release: str | None = None
    tenant: str | None = None
    store: Path | Literal["memory"] = MEMORY
    store_mode: int = 0o600
    durability: Literal["process", "fsync"] = "process"
    content: Literal["full", "metadata", "off"] = "full"
    redact: tuple[RedactRule, ...] = ("secrets",)
    conversation_events: tuple[str, ...] = ()
    destinations: tuple[Any, ...] = ()
    ship: bool = True
    shutdown_timeout: float = 2.0
    min_free_bytes: int = 500_000_000
    max_memory_bytes: int = 64_000_000
    sample: float = 1.0
    sources: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)

    @property
    def is_default_store(self) -> bool:
        """Whether nobody named a store: it goes by a folder's name, which others may have too."""
        return self.sources.get("store") == "default"

    @property
    def destination_names(self) -> tuple[str, ...]:
        """The name under which each destination keeps its rows in the outbox."""
        return tuple(d if isinstance(d, str) else str(d.name) for d in self.destinations)


def resolve(
    arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read every setting and check it.

    Args:
        arguments: What the caller gave; a value of None counts as not given.
        environ: Environment variables; the process's own by default.

    Raises:
        SettingError: for a name that does not exist or a value that is not allowed.

    Example:
        >>> resolve({"store": "memory", "app": "shop"}, environ={}).app
        'shop'
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    unknown = sorted(set(given) - set(SETTING_NAMES))
    if unknown:
        raise SettingError(unknown[0], given[unknown[0]], "one of " + ", ".join(SETTING_NAMES))
    environment = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in SETTING_NAMES:
        variable = f"THREADLINE_{name.upper()}"
        if name in given:
            raw, sources[name] = given[name], "argument"
        elif environment.get(variable):
            raw, sources[name] = environment[variable], variable
        else:
            sources[name] = "default"
            continue
        values[name] = _CHECKS[name](name, raw)
    values.setdefault("app", _default_app(environment))
    values.setdefault("store", _default_store(values["app"], environment))
    return Settings(**values, sources=sources)


def default_state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder that stores live in: the state folder, else the temporary one."""
    state = environ.get("XDG_STATE_HOME")
    if state and Path(state).is_absolute():
        return Path(state) / "threadline"
    home = environ.get("HOME")
    if home and Path(home).is_absolute():
        return Path(home) / ".local" / "state" / "threadline"
    import tempfile  # costs milliseconds, and is hardly ever needed

    return Path(tempfile.gettempdir()) / "threadline"


def _default_store(app: str, environ: Mapping[str, str]) -> Path:
    return default_state_folder(environ) / f"{app}.db"


def _default_app(environ: Mapping[str, str]) -> str:
    name = environ.get("OTEL_SERVICE_NAME") or _project_folder().name
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "app"


def _project_folder() -> Path:
    try:
        here = Path.cwd()
    except OSError:  # the working directory was removed
        return Path("app")
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    return here


_SECRETS: Final = "secrets"
_NO_RULES: Final = "none"
_PATTERN: Final = "re:"
_OWNER: Final = 0o600
_ANY_MODE: Final = 0o777
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def _flag(name: str, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    raise SettingError(name, raw, "true or false")


def _text(name: str, raw: object) -> str:
    if isinstance(raw, str) and raw.strip():
        return raw
    raise SettingError(name, raw, "a text that is not empty")


def _app(name: str, raw: object) -> str:
    text = _text(name, raw)
    if "/" in text or "\\" in text or text.startswith("."):
        raise SettingError(name, raw, "a name without slashes that does not start with a dot")
    return text


def _store(name: str, raw: object) -> Path | Literal["memory"]:
    if raw == MEMORY:
        return MEMORY
    if isinstance(raw, str | Path) and str(raw):
        path = Path(raw)
        try:
            return path.expanduser().absolute()
        except RuntimeError:  # no home to expand
            return path.absolute()
    raise SettingError(name, raw, 'the path of a file, or "memory"')


def _one_of(*allowed: str) -> Callable[[str, object], str]:
    def check(name: str, raw: object) -> str:
        if raw in allowed:
            return str(raw)
        raise SettingError(name, raw, " or ".join(f'"{a}"' for a in allowed))

    return check


def _number(low: float, high: float, unit: str) -> Callable[[str, object], float]:
    def check(name: str, raw: object) -> float:
        try:
            value = float(raw)  # pyright: ignore[reportArgumentType] (what cannot be read is told below)
        except (TypeError, ValueError):
            value = float("nan")
        if low <= value <= high and not isinstance(raw, bool):
            return value
        raise SettingError(name, raw, f"a number from {low:g} to {high:g}{unit}")

    return check


def _whole(low: int, unit: str) -> Callable[[str, object], int]:
    def check(name: str, raw: object) -> int:
        try:
            value = int(raw)  # pyright: ignore[reportArgumentType] (what cannot be read is told below)
        except (TypeError, ValueError):
            value = low - 1
        if value >= low and not isinstance(raw, bool):
            return value
        raise SettingError(name, raw, f"a whole number of {unit}, {low} or more")

    return check


def _mode(name: str, raw: object) -> int:
    allowed = "file permissions that its owner can read and write, such as 0o600"
    try:
        value = int(raw, 8) if isinstance(raw, str) else raw
    except ValueError:
        raise SettingError(name, raw, allowed) from None
    number = value if isinstance(value, int) and not isinstance(value, bool) else 0
    if number & _OWNER == _OWNER and number <= _ANY_MODE:
        return number
    raise SettingError(name, raw, allowed)


def _redact(name: str, raw: object) -> tuple[RedactRule, ...]:
    """Secrets are redacted whatever else is: only "none", or an empty list, turns them off."""
    rules: list[object]
    if isinstance(raw, str):
        rules = [part.strip() for part in raw.split(",") if part.strip()]
    elif isinstance(raw, Sequence):
        rules = list(raw)  # pyright: ignore[reportUnknownArgumentType] (checked below)
    else:
        raise SettingError(name, raw, "a list of rules")
    checked = [_redact_rule(name, rule) for rule in rules if rule != _NO_RULES]
    if rules and _NO_RULES not in rules and _SECRETS not in checked:
        checked.insert(0, _SECRETS)
    return tuple(checked)


def _redact_rule(name: str, rule: Any) -> RedactRule:
    is_pattern = hasattr(rule, "sub")
    if is_pattern and isinstance(getattr(rule, "pattern", None), str):
        return cast("re.Pattern[str]", rule)
    if isinstance(rule, str):
        if rule in {_SECRETS, "pii"}:
            return rule
        if rule.startswith(_PATTERN) and len(rule) > len(_PATTERN):
            try:
                re.compile(rule[len(_PATTERN) :])
            except re.error as error:
                raise SettingError(name, rule, f"a valid pattern after re: ({error})") from error
            return rule
    elif callable(rule) and not is_pattern:
        return cast("Callable[[str], str]", rule)
    allowed = '"secrets", "pii", "none", "re:<pattern>", a compiled pattern, or a callable'
    raise SettingError(name, rule, allowed)


def _names(name: str, raw: Any) -> tuple[str, ...]:
    given: object = raw
    items: list[Any] = [given]
    if isinstance(raw, str):
        items = [part.strip() for part in raw.split(",") if part.strip()]
    elif isinstance(raw, list | tuple):
        items = list(cast("Sequence[Any]", raw))
    if not all(isinstance(item, str) and item for item in items):
        raise SettingError(name, given, "a list of names")
    return tuple(items)


def _destinations(name: str, raw: object) -> tuple[Any, ...]:
    items: Sequence[Any]
    if isinstance(raw, str):
        items = [part.strip() for part in raw.split(",") if part.strip()]
    elif isinstance(raw, Sequence):
        items = raw  # pyright: ignore[reportUnknownVariableType] (checked below)
    else:
        raise SettingError(name, raw, "a list of destinations")
    names: set[str] = set()
    for item in items:
        own = item if isinstance(item, str) else getattr(item, "name", None)
        if not isinstance(own, str) or not own:
            raise SettingError(name, item, "destinations with a name")
        if own in names:
            raise SettingError(name, own, "each name once; give one of them another name")
        names.add(own)
    return tuple(items)


_CHECKS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "enabled": _flag,
    "app": _app,
    "environment": _text,
    "release": _text,
    "tenant": _text,
    "store": _store,
    "store_mode": _mode,
    "durability": _one_of("process", "fsync"),
    "content": _one_of("full", "metadata", "off"),
    "redact": _redact,
    "conversation_events": _names,
    "destinations": _destinations,
    "ship": _flag,
    "shutdown_timeout": _number(0, 3600, " seconds"),
    "min_free_bytes": _whole(0, "bytes"),
    "max_memory_bytes": _whole(1_000_000, "bytes"),
    "sample": _number(0, 1, ""),
}

SETTING_NAMES: Final = tuple(f.name for f in fields(Settings) if f.name != "sources")
