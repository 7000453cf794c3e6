"""The one place that takes secrets out of what is recorded, before any disk or network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.capture.redaction_rules import Family, marker, pii, secrets
from threadline.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from threadline.settings import RedactRule

FAILED: Final = "[redaction failed]"
"""What stands for a text that a rule could not look at."""

_SETTING: Final = "redact"
_ALLOWED: Final = '"secrets", "pii", "re:<pattern>", a compiled pattern, or a callable'
# In the order in which they run: the end of an address must not take the beginning of a key.
_FAMILIES: Final[Mapping[str, Callable[[], Family]]] = {"secrets": secrets, "pii": pii}
_HASHED: Final = re.compile(r"redacted:[0-9a-f]{32}")
_KEY_BYTES: Final = 64  # the longest key that blake2b takes
# Taking out one match can bare the beginning of another, so the rules run until nothing changes.
_PASSES: Final = 8


class RedactionCounter:
    """How often a rule failed and a text was given up; approximate, since nothing is locked."""

    __slots__ = ("failures",)

    def __init__(self) -> None:
        self.failures = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Redactor:
    r"""Compiled rules. Immutable and deterministic; any number of threads may share one.

    A rule of the user's own that raises costs the text it was given, never the caller: the text
    becomes `[redaction failed]` and `counter.failures` rises. Own rules run first, in their order;
    the named ones last, so that what those match is gone whatever own rules return.

    Example:
        >>> redactor = Redactor.compile(["pii", "re:Project \\w+"], key=b"k" * 32)
        >>> redactor.text("Ask ada@example.org about Project Apollo.")
        'Ask [redacted:email] about [redacted:own].'
        >>> redactor.identifier("user-17"), redactor.identifier("ada@example.org")[:9]
        ('user-17', 'redacted:')
    """

    counter: RedactionCounter = field(default_factory=RedactionCounter, compare=False)
    _own: tuple[Callable[[str], object], ...]
    _families: tuple[Family, ...]
    _key: bytes = field(repr=False)

    @classmethod
    def compile(cls, rules: Sequence[RedactRule], *, key: bytes) -> Redactor:
        """Make a redactor of `rules`.

        Args:
            rules: `"secrets"`, `"pii"`, `"re:<pattern>"`, compiled patterns of text, callables
                that are given a text and return it redacted.
            key: Any number of random bytes, kept with the store: identifiers are hashed with it.

        Raises:
            SettingError: for a rule that is none of these, or a pattern that does not compile.
        """
        if isinstance(rules, str):
            raise SettingError(_SETTING, rules, "a list of rules")
        names = {rule for rule in rules if isinstance(rule, str) and rule in _FAMILIES}
        own = [_own_rule(rule) for rule in rules if not (isinstance(rule, str) and rule in names)]
        if len(key) > _KEY_BYTES:
            key = blake2b(key).digest()
        families = tuple(make() for name, make in _FAMILIES.items() if name in names)
        return cls(_own=tuple(own), _families=families, _key=key)

    def might_match(self, encoded: bytes) -> bool:
        """Whether msgpack bytes may hold something to redact; false means certainly not."""
        if self._own:
            return True
        for family in self._families:  # noqa: SIM110 - any() would cost more than the tests
            if family.might_match(encoded):
                return True
        return False

    def text(self, text: str) -> str:
        """Return `text` with every match replaced; the same object where there is none."""
        if text.startswith("redacted:") and _HASHED.fullmatch(text):
            return text
        try:
            redacted = self._named(self._by_own_rules(text))
        except Exception:  # noqa: BLE001 - own rules raise anything; fail closed, and say no content
            redacted = None
        if redacted is None:
            self.counter.failures += 1
            return FAILED
        return redacted

    def value(self, value: Any) -> Any:
        """Return a copy of builtins, of the same shape, with every string in it redacted.

        Keys of dictionaries are strings too; those that become equal are numbered, so that none
        of their values is lost. What is nested too deeply to be looked at becomes
        `[redaction failed]`.
        """
        try:
            return self._walked(value)
        except RecursionError:
            self.counter.failures += 1
            return FAILED

    def identifier(self, text: str) -> str:
        """Return `text`, or its keyed hash `redacted:<32 hex digits>` where a rule matches it."""
        if self.text(text) == text:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        return f"redacted:{blake2b(raw, digest_size=16, key=self._key).hexdigest()}"

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._mapping(cast("dict[Any, Any]", value))
        for kind in (list, tuple, set, frozenset):
            if isinstance(value, kind):
                items = [self.value(item) for item in cast("list[Any]", value)]
                return cast("Callable[[list[Any]], Any]", kind)(items)
        return value

    def _mapping(self, mapping: dict[Any, Any]) -> dict[Any, Any]:
        redacted: dict[Any, Any] = {}
        for key, item in mapping.items():
            new = self.value(key)
            if new != key and isinstance(new, str):
                new = _free_key(new, redacted, mapping)
            redacted[new] = self.value(item)
        return redacted

    def _by_own_rules(self, text: str) -> str | None:
        for rule in self._own:
            redacted = rule(text)
            if not isinstance(redacted, str):
                return None
            text = str.__str__(redacted)
        return text

    def _named(self, text: str | None) -> str | None:
        if text is None:
            return None
        for _ in range(_PASSES):
            before = text
            for family in self._families:
                if family.might_match(text.encode("utf-8", "surrogatepass")):
                    text = family.replace(text)
            if text == before:
                return before
        return None


def _own_rule(rule: object) -> Callable[[str], object]:
    if isinstance(rule, str):
        return _own_pattern(_compiled(rule))
    if isinstance(rule, re.Pattern):
        pattern = cast("re.Pattern[Any]", rule)
        if isinstance(pattern.pattern, str):
            return _own_pattern(pattern)
    elif callable(rule):
        return rule
    raise SettingError(_SETTING, cast("object", rule), _ALLOWED)


def _compiled(rule: str) -> re.Pattern[str]:
    source = rule.removeprefix("re:")
    if source in {rule, ""}:
        raise SettingError(_SETTING, rule, _ALLOWED)
    try:
        return re.compile(source)
    except re.error as error:
        raise SettingError(_SETTING, rule, f"a pattern that compiles ({error})") from error


def _own_pattern(pattern: re.Pattern[str]) -> Callable[[str], str]:
    own = marker("own")
    # An expression such as `x*` also matches nothing, everywhere: that is left alone.
    return lambda text: pattern.sub(lambda found: own if found[0] else "", text)


def _free_key(key: str, *taken: Mapping[Any, Any]) -> str:
    free, number = key, 1
    while any(free in mapping for mapping in taken):
        number += 1
        free = f"{key} ({number})"
    return free
