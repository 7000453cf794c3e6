"""HTTP as destinations need it: one request, no redirects, no secrets in what is told of it."""

from __future__ import annotations

import email.utils
import ipaddress
import os
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from threadline.clock import SystemClock, now_ns
from threadline.errors import SettingError
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.origins import origin_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from threadline.ingest.destination import Outcome

_MOST_OF_AN_ANSWER: Final = 65_536
_QUOTED: Final = 200
_CREDENTIALS_WAIT_S: Final = 60.0
_BUSY: Final = frozenset({408, 425, 429})
_NO_RIGHT: Final = frozenset({401, 403, 407})
_REFUSED: Final = frozenset({400, 409, 410, 413, 414, 422, 431})
_AS_IT_IS: Final = {"accept-encoding": "identity"}
"""Answers are read raw: one that unpacks to more than memory holds is not asked for."""

_ALWAYS: Final = {"user-agent": "threadline"}
_SAYING_NOTHING: Final = ("accept", "accept-encoding", "connection")  # httpx sends them by itself

HIDDEN: Final = "***"
_monotonic: Final = SystemClock().monotonic


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None


class UnreachableError(Exception):
    """No whole answer came; the words hold neither content nor credentials."""


class UnsentError(UnreachableError):
    """There was no connection: nothing of the request can have arrived."""


class HttpTarget:
    """One server that requests go to, with the credentials that they carry.

    Args:
        url: What paths are appended to.
        secrets: Headers that nobody may see.
        allow_plain_http: Whether credentials may go to another machine unencrypted.
        verify: Whether the server's certificate is checked, or the file to check it with.

    Raises:
        SettingError: if the address cannot be used, or credentials would be sent in the clear.
    """

    def __init__(
        self,
        url: str,
        *,
        secrets: Mapping[str, str],
        allow_plain_http: bool = False,
        verify: bool | str = True,
    ) -> None:
        self.url: Final = _checked(url, needs_tls=bool(secrets) and not allow_plain_http)
        for name, value in secrets.items():
            if not (value.isascii() and value.isprintable() and value.strip()):
                allowed = "printable ASCII characters"
                raise SettingError(setting=f"header {name}", value=HIDDEN, allowed=allowed)
        self._secrets = dict(secrets)
        self._verify = verify
        self._client: httpx.Client | None = None
        self._process = os.getpid()

    @property
    def origin(self) -> str:
        """Where requests go and on whose account, without the credentials themselves."""
        return origin_from(self.url, self._secrets)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
        most_bytes: int = _MOST_OF_AN_ANSWER,
    ) -> Answer:
        """Make one request and read the answer, or as much of it as `most_bytes` allows.

        Raises:
            UnsentError: if there was no connection in time.
            UnreachableError: if no answer came in time.
        """
        import httpx

        deadline = _monotonic() + timeout_s
        timeout = httpx.Timeout(max(0.05, timeout_s))
        try:
            with self._opened().stream(
                method,
                self.url + path,
                content=body,
                headers={**_AS_IT_IS, **(headers or {}), **self._secrets},
                timeout=timeout,
            ) as response:
                read = b"".join(_until(deadline, response.iter_raw(8_192), most_bytes))
                after = _seconds(response.headers.get("retry-after"))
                return Answer(response.status_code, read, after)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self.close()
            told = f"{self._place()} cannot be reached: {self.without_secrets(str(error))}"
            raise UnsentError(told) from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            self.close()  # what is half said on a connection must not be taken up again
            told = f"no answer from {self._place()} ({type(error).__name__})"
            raise UnreachableError(told) from None

    def without_secrets(self, text: str) -> str:
        """Return `text` on one line, without any credential that somebody put into it."""
        for value in self._secrets.values():
            for part in {value, value.rpartition(" ")[2]}:
                text = text.replace(part, HIDDEN)
        return "".join(c if c.isprintable() else " " for c in text[:_QUOTED]).strip()

    def close(self) -> None:
        """Close the connections; a later request opens them again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> httpx.Client:
        import httpx

        if self._process != os.getpid():  # the parent's, which goes on using its connections
            self._process, self._client = os.getpid(), None
        if self._client is None:
            verify = self._verify
            if self.url.startswith("http:"):
                verify = False  # nothing to check, and reading all certificates takes 20 ms
            elif isinstance(verify, str):
                verify = ssl.create_default_context(cafile=verify)
            self._client = httpx.Client(follow_redirects=False, verify=verify)
            self._client.headers = httpx.Headers(_ALWAYS)
            for name in _SAYING_NOTHING:
                del self._client.headers[name]
        return self._client

    def _place(self) -> str:
        return urlsplit(self.url).netloc


def outcome_of(answer: Answer, target: HttpTarget) -> Outcome:
    """Return what an answer means for what was sent."""
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 (the class of success)
        return Delivered()
    told = f"HTTP {status} from {urlsplit(target.url).netloc}"
    if status in _REFUSED:
        said = target.without_secrets(answer.body.decode("utf-8", "replace"))
        return Rejected(f"{told}: {said}" if said else told)
    if status in _NO_RIGHT:
        return Later(f"{told}: the credentials are not accepted", _CREDENTIALS_WAIT_S)
    if status in _BUSY or status >= 500:  # noqa: PLR2004 (the class of the server's own errors)
        return Later(told, answer.retry_after_s)
    return Later(f"{told}: the address is not the right one", answer.retry_after_s)


def _until(deadline: float, chunks: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield an answer as far as it is of use; one that trickles in for ever is given up."""
    length = 0
    for chunk in chunks:
        if _monotonic() > deadline:
            raise TimeoutError
        length += len(chunk)
        yield chunk
        if length > most_bytes:
            return


def _checked(url: str, *, needs_tls: bool) -> str:
    parts = urlsplit(url)
    allowed = "an address that begins with https:// or http://, without a user or a password in it"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingError(
            setting="address", value=url.rsplit("@", maxsplit=1)[-1], allowed=allowed
        )
    if parts.username is not None or parts.password is not None:
        raise SettingError(setting="address", value=HIDDEN, allowed=allowed)
    if needs_tls and parts.scheme == "http" and not _is_this_machine(parts.hostname):
        allowed = "https://, as credentials go there; allow_plain_http=True sends them all the same"
        raise SettingError(setting="address", value=url, allowed=allowed)
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(told: str | None) -> float | None:
    """Read a `Retry-After`: seconds or a date."""
    if told is None:
        return None
    if told.strip().isdigit():
        return float(told)
    try:
        at = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - now_ns() / 1e9)
