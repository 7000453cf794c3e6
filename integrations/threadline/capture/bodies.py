"""Bodies by digest, while a group is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.model.parts import GenericPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.model.message import Body


class BodySource:
    """Gives bodies by digest: those that events brought, and those that capture makes itself."""

    def __init__(
        self, find: Callable[[bytes], Body], seal: Callable[[Body], tuple[bytes, bytes]]
    ) -> None:
        self._find = find
        self._seal = seal
        self._bodies: dict[bytes, Body] = {}

    def get(self, digest: bytes) -> Body:
        """Return the body of `digest`."""
        body = self._bodies.get(digest)
        if body is None:
            body = self._bodies[digest] = self._find(digest)
        return body

    def seal(self, body: Body) -> bytes:
        """Take in a body that capture made, and return its digest."""
        digest, _ = self._seal(body)
        self._bodies[digest] = body
        return digest

    def value(self, digest: bytes) -> Any:
        """Return a sealed free value."""
        for part in self.get(digest).parts:
            if isinstance(part, GenericPart):
                return part.value
        return {}
