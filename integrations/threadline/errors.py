"""Every exception that Threadline raises itself.

The tree::

    ThreadlineError
    |-- SettingError            (also ValueError)   a setting has a value that is not allowed
    |-- ArgumentError           (also ValueError)   a call was given something it cannot use
    |-- MissingExtraError       (also ImportError)  a package that an extra brings is not installed
    |-- AddressError            the viewer cannot listen where it was told to
    |-- EndpointError           the model of the user's own that the demo asks does not answer
    |-- StoreError
        |-- StoreNotFoundError  there is no store where it was looked for
        |-- StoreNewerError     the store was written by a newer Threadline
        |-- StoreUnavailableError  the store exists and cannot be opened now

Nothing of this is ever raised into a framework's run: hooks count what they could not record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ThreadlineError(Exception):
    """The base of all errors of this package."""


class SettingError(ThreadlineError, ValueError):
    """A setting has a value that is not allowed; nothing was changed by it."""

    def __init__(self, setting: str, value: object, allowed: str) -> None:
        super().__init__(setting, value, allowed)
        self.setting = setting
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"setting {self.setting!r} is {self.value!r}; allowed: {self.allowed}"


class ArgumentError(ThreadlineError, ValueError):
    """A call was given an argument that it cannot use; nothing was recorded by it."""

    def __init__(self, argument: str, value: object, allowed: str) -> None:
        super().__init__(argument, value, allowed)
        self.argument = argument
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"argument {self.argument!r} is {self.value!r}; allowed: {self.allowed}"


class MissingExtraError(ThreadlineError, ImportError):
    """A part of Threadline needs a package that only one of its extras brings."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(extra, package)
        self.extra = extra
        self.package = package

    def __str__(self) -> str:
        return (
            f"this needs the package {self.package!r}; "
            f"install it with: pip install 'threadline[{self.extra}]'"
        )


class AddressError(ThreadlineError):
    """The viewer cannot listen at an address."""

    def __init__(self, host: str, port: int | None, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        place = self.host if self.port is None else f"{self.host} port {self.port}"
        return f"nothing can listen at {place}: {self.reason}; name another --host or --port"


class EndpointError(ThreadlineError):
    """The user's own endpoint, which the demo talks to, failed."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the endpoint {self.url} failed: {self.reason.rstrip('.')}; "
            "it is named by OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL, "
            "and without the first two of them the demo takes a scripted model"
        )


class StoreError(ThreadlineError):
    """The base of errors about a store; it always names the path."""


class StoreNotFoundError(StoreError):
    """There is no store where it was looked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"no store at {self.path}; record something first, or name another one "
            "with THREADLINE_STORE or --store"
        )


class StoreNewerError(StoreError):
    """The store has a schema that only a newer Threadline knows; it was left as it is."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, found, known)
        self.path = path
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return (
            f"store {self.path} has schema {self.found}, this version knows {self.known}; "
            "upgrade threadline (what was recorded meanwhile waits in the journal)"
        )


class StoreUnavailableError(StoreError):
    """The store cannot be opened or written now; the journal keeps what is recorded.

    `is_busy` tells that others hold it, and nothing is wrong with it.
    """

    def __init__(self, path: Path, reason: str, *, is_busy: bool = False) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.is_busy = is_busy

    def __str__(self) -> str:
        return f"store {self.path} cannot be used: {self.reason}; see `threadline doctor`"
