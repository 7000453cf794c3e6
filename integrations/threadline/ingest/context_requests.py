"""The requests of the Context API that are made here: append, judge, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote, urlencode

import msgspec

from threadline.clock import SystemClock
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.http import UnreachableError, UnsentError, outcome_of
from threadline.model.contextai_values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.ingest.context_entries import Fields
    from threadline.ingest.destination import Outcome
    from threadline.ingest.http import Answer, HttpTarget

LOG: Final = "/api/v1/log/conversation"
THREAD: Final = "/api/v1/log/conversation/thread"

_CONVERSATIONS: Final = "/api/v1/conversations"
_JSON: Final = {"content-type": "application/json"}
_LONGEST_CONVERSATION: Final = 64_000_000
_SERVERS_OWN: Final = 500
_NOT_FOUND: Final = 404
_monotonic: Final = SystemClock().monotonic


class HeldUpError(Exception):
    """A request did not come to what it was for; `outcome` is what follows for the item."""

    def __init__(self, outcome: Later | Rejected) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Held(NamedTuple):
    """What a server holds of a conversation; nothing where it knows none of this id."""

    messages: list[Fields]
    metadata: dict[str, str]
    id: str | None = None


class ContextRequests:
    """The requests that one item needs, all of them within one deadline.

    Args:
        target: The server.
        tenant: Whose conversations are meant, where there are several tenants.
        timeout_s: After how long to give up.
    """

    def __init__(self, target: HttpTarget, tenant: str | None, timeout_s: float) -> None:
        self._target = target
        self._tenant = tenant
        self._deadline = _monotonic() + timeout_s

    def append(self, path: str, conversation: Mapping[str, Any]) -> Fields:
        """Log a conversation, or add to a thread; returns what the server gave back.

        Raises:
            HeldUpError: if it was not taken, or nobody knows.
        """
        body: Fields = {"conversation": conversation}
        if self._tenant is not None:
            body["tenant_id"] = self._tenant
        answer = self._sent("POST", path, body)
        outcome = outcome_of(answer, self._target)
        if not isinstance(outcome, Delivered):
            raise HeldUpError(_as_known(outcome, answer.status))
        told = _object(answer.body)
        status = told.get("status", "ok")
        if status != "ok":
            reason = f"the server took nothing and said {self._target.without_secrets(str(status))}"
            raise HeldUpError(Rejected(reason))
        return _field(told, "data")

    def judge(self, thread_id: str, message_id: str, rating: int) -> bool:
        """Set the rating of a message; False if the server knows no such message.

        Raises:
            HeldUpError: if it was not taken, or nobody knows.
        """
        body = {"messages": [{"id": message_id, "rating": rating}]}
        answer = self._sent("PATCH", f"{THREAD}/{quote(thread_id, safe='')}", body)
        if answer.status == _NOT_FOUND:
            return False
        outcome = outcome_of(answer, self._target)
        if not isinstance(outcome, Delivered):
            raise HeldUpError(outcome)
        return True

    def read_back(self, thread_id: str) -> Held:
        """Ask what the server holds of a thread.

        Raises:
            HeldUpError: if it cannot be known.
        """
        path = f"{_CONVERSATIONS}/{quote(thread_id, safe='')}{self._query()}"
        answer = self._sent("GET", path, most_bytes=_LONGEST_CONVERSATION)
        if answer.status == _NOT_FOUND:
            return Held([], {})
        outcome = outcome_of(answer, self._target)
        if not isinstance(outcome, Delivered):
            raise HeldUpError(outcome)
        told = _object(answer.body)
        told = told if "messages" in told else _field(told, "data")
        if not isinstance(told.get("messages"), list):
            raise HeldUpError(Later("the conversation could not be read back"))
        listed = objects_in(told["messages"])
        own_id = told.get("id")
        return Held(
            listed, _texts(told.get("metadata")), own_id if isinstance(own_id, str) else None
        )

    def ask(self) -> Outcome:
        """Ask for one conversation, whichever it is: that changes nothing."""
        try:
            answer = self._sent("GET", _CONVERSATIONS + self._query(per_page=1))
        except HeldUpError as error:
            return error.outcome
        return outcome_of(answer, self._target)

    def _query(self, **more: int) -> str:
        told = {**({} if self._tenant is None else {"tenant_id": self._tenant}), **more}
        return f"?{urlencode(told)}" if told else ""

    def _sent(self, method: str, path: str, body: Any = None, most_bytes: int = 65_536) -> Answer:
        left = max(0.0, self._deadline - _monotonic())
        data = None if body is None else msgspec.json.encode(plain(body, "record"))
        headers = None if body is None else _JSON
        try:
            return self._target.send(
                method, path, data, headers=headers, timeout_s=left, most_bytes=most_bytes
            )
        except UnsentError as error:
            raise HeldUpError(Later(str(error), is_known=body is not None)) from None
        except UnreachableError as error:
            raise HeldUpError(Later(str(error))) from None


def objects_in(value: object) -> list[Fields]:
    """Return the objects of a list that a server sent; nothing where it is none."""
    listed = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Fields", one) for one in listed if isinstance(one, dict)]


def _as_known(outcome: Later | Rejected, status: int) -> Later | Rejected:
    """A server that fails may have taken a request before; one that refuses has not."""
    if isinstance(outcome, Later) and status < _SERVERS_OWN:
        return Later(outcome.reason, outcome.after_s, is_known=True)
    return outcome


def _object(body: bytes) -> Fields:
    try:
        told = msgspec.json.decode(body)
    except msgspec.MsgspecError:  # it took the request, and has no more to say
        return {}
    return cast("Fields", told) if isinstance(told, dict) else {}


def _field(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, dict) else {}


def _texts(value: object) -> dict[str, str]:
    pairs = cast("Fields", value) if isinstance(value, dict) else {}
    return {key: text for key, text in pairs.items() if isinstance(text, str)}
