"""What the address of a page asks for: filters, and where to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTERS: Final = ("user", "status", "rating", "model", "tag", "tool", "since", "until")
_NAMES: Final = {"user": "user_id"}


class Asked(NamedTuple):
    """The filters of a list as they stand in its address; empty ones left out."""

    filters: dict[str, str]
    cursor: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """Read a query; what it does not know it leaves alone."""
        given = {name: query[name].strip() for name in FILTERS if query.get(name, "").strip()}
        return cls(given, query.get("cursor") or None)

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the filters under the names that the reader has for them, which checks them."""
        arguments: dict[str, Any] = {
            _NAMES.get(name, name): value for name, value in self.filters.items()
        }
        if "rating" in arguments:
            arguments["rating"] = _number_or_text(arguments["rating"])
        return arguments


def whole_number(text: str | None, *, otherwise: int) -> int:
    """Read a number from an address; nothing in it can be wrong enough to fail.

    Example:
        >>> whole_number("12", otherwise=0), whole_number("1e9", otherwise=3)
        (12, 3)
    """
    if text is None or len(text) > _LONGEST:
        return otherwise
    try:
        return int(text)
    except ValueError:
        return otherwise


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


_LONGEST: Final = 9
