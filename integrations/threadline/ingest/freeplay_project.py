"""A project of Freeplay behind HTTP: one request, and what its answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.ingest.destination import Delivered, Later
from threadline.ingest.http import UnreachableError, outcome_of

if TYPE_CHECKING:
    from threadline.ingest.destination import Outcome
    from threadline.ingest.freeplay_request import FreeplayRequest
    from threadline.ingest.http import Answer, HttpTarget

_JSON: Final = {"content-type": "application/json"}
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
TOO_LONG: Final = 413


class FreeplayProject:
    """Where requests of one project go, with the key that they carry."""

    def __init__(self, target: HttpTarget, project_id: str) -> None:
        self._target = target
        self._project_id = project_id

    @property
    def origin(self) -> str:
        """The server, whose key, and the project."""
        return f"{self._target.origin} {self._project_id}"

    def ask(self, request: FreeplayRequest, body: bytes, *, timeout_s: float) -> Answer:
        """Make one request.

        Raises:
            UnreachableError: if no answer came in time.
        """
        path = f"/v2/projects/{self._project_id}{request.path}"
        return self._target.send(
            request.method, path, body, headers=_JSON, timeout_s=max(0.0, timeout_s)
        )

    def meaning(self, answer: Answer, request: FreeplayRequest) -> Outcome | None:
        """Return what an answer means; None where Freeplay does not know what is referred to."""
        if answer.status == _CONFLICT and not request.refers:
            return Delivered()  # nobody else uses this id: an earlier try came through
        if answer.status != _NOT_FOUND:
            return outcome_of(answer, self._target)
        if request.refers:
            return None
        outcome = outcome_of(answer, self._target)
        reason = getattr(outcome, "reason", "")
        return Later(f"{reason}, or there is no project {self._project_id} for this key")

    def problem(self, *, timeout_s: float) -> str | None:
        """Find out what is wrong with the address, the key or the project; None if nothing is."""
        try:
            answer = self._target.send("GET", "/v2/projects/all", timeout_s=timeout_s)
        except UnreachableError as error:
            return str(error)
        outcome = outcome_of(answer, self._target)
        if not isinstance(outcome, Delivered):
            return outcome.reason
        known = _project_ids(answer.body)
        if known is not None and self._project_id not in known:
            return f"the key is accepted, but it has no project {self._project_id}"
        return None

    def close(self) -> None:
        """Close the connections."""
        self._target.close()


class _Listed(msgspec.Struct):
    id: str


class _Projects(msgspec.Struct):
    projects: list[_Listed]


def _project_ids(body: bytes) -> set[str] | None:
    """Return the projects of a list; None where it cannot be read to its end."""
    try:
        found: Any = msgspec.json.decode(body, type=_Projects)
    except msgspec.MsgspecError:
        return None
    return {project.id for project in found.projects}
