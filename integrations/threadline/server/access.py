"""Who may ask the viewer: the right host, the right token, the viewer's own pages; nobody else.

A page of another site can make the browser ask an address on this machine. What stands against it:
the `Host` must be one that this viewer answers to (a name of the attacker's that was made to point
here is not), everything but the style needs the token, the cookie that keeps it is never sent on
behalf of another site, and what changes something must come from a page of the viewer itself.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN: Final = "token"  # noqa: S105 (the name of the parameter)
FORM_KEY: Final = "key"
_LOCAL: Final = "localhost"
_SAFE: Final = frozenset({"GET", "HEAD"})
_OWN: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What a request must bring.

    Attributes:
        host: The address that the viewer listens on.
        names: Further names that it answers to, such as that of a proxy.
        token: The secret in the address.
        cookie: The name of the cookie that keeps it; two viewers on one machine need two.
    """

    host: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    cookie: str = "threadline"

    @property
    def session(self) -> str:
        """What the cookie holds: it follows from the token, and does not tell it."""
        return self._derived("cookie")

    @property
    def form_key(self) -> str:
        """What a form of the viewer's own brings along."""
        return self._derived("form")

    def is_token(self, given: str) -> bool:
        """Tell whether this is the token of the address."""
        return _is_same(given, self.token)

    def is_session(self, given: str) -> bool:
        """Tell whether this is what the cookie holds."""
        return _is_same(given, self.session)

    def is_form_key(self, given: str) -> bool:
        """Tell whether a form of the viewer's own brought this."""
        return _is_same(given, self.form_key)

    def answers_to(self, host: str) -> bool:
        """Tell whether a `Host` header names this viewer; any port, since ports are forwarded.

        A number cannot be made to point here by somebody else: where the viewer listens to more
        than this machine, every number is one of its own.
        """
        name = _name_in(host)
        if name is None:
            return False
        if name == _LOCAL or name in self.names or name == self.host.lower():
            return True
        number = _number(name)
        if number is None:
            return False
        return number.is_loopback or not is_loopback(self.host)

    def is_own(self, headers: Mapping[str, str], *, method: str) -> bool:
        """Tell whether a request comes from the viewer's own pages, or from the user's own hand."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and not _is_origin_of(origin, headers.get("host", "")):
            return False
        if method not in _SAFE:
            return origin is not None and (site is None or site == "same-origin")
        is_opened = headers.get("sec-fetch-mode") == "navigate"
        return site is None or site in _OWN or is_opened

    def _derived(self, use: str) -> str:
        return hmac.new(self.token.encode(), use.encode(), hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    number = _number(host)
    return host.lower() == _LOCAL if number is None else number.is_loopback


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _is_origin_of(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in {"http", "https"} and place.lower() == host.lower() and bool(host)


def _name_in(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or not parts.hostname:
        return None
    return parts.hostname.rstrip(".").lower()


def _number(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
