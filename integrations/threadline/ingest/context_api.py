"""A destination that speaks the Context API: one thread a conversation, only what is new."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.capture.redacted_records import redacted_record, redactor_of
from threadline.errors import SettingError
from threadline.ingest.context_finished import finished
from threadline.ingest.context_limits import MOST_CHARACTERS, ContextLimits
from threadline.ingest.context_requests import LOG, ContextRequests, HeldUpError
from threadline.ingest.context_thread import ContextThread
from threadline.ingest.destination import Delivered, Rejected
from threadline.ingest.http import HttpTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.ingest.destination import Item, Outcome
    from threadline.model.conversation import Conversation
    from threadline.settings import RedactRule

_SETTLE_S: Final = 15.0
_TIMEOUT_S: Final = 10.0


class ContextApi:
    """Appends each turn to a thread of the Context API, and sets ratings on its messages.

    The API takes everything that it is sent, twice if it is sent twice. So what nobody knows the
    outcome of is looked for in the conversation, after a while, before it is sent again.

    Args:
        base_url: The address of the server, without a path; by default `CONTEXT_API_BASE_URL`.
        token: The API token; by default `CONTEXT_API_TOKEN`.
        tenant: Whose conversations they are, where a conversation has no tenant of its own.
        settle_s: How long after a try of unknown outcome the conversation is read back.
        redact: More redaction rules for what goes there; what is stored stays.
        allow_plain_http: Whether the token may go to another machine unencrypted.
        verify: Whether the server's certificate is checked, or the file to check it with.
        name: The name of this destination, where there are several of the kind.

    Raises:
        SettingError: if the address or the token is missing or cannot be used.

    Example:
        >>> ContextApi("https://context.example", "token").name
        'context'
    """

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        tenant: str | None = None,
        *,
        settle_s: float = _SETTLE_S,
        redact: Sequence[RedactRule] = (),
        allow_plain_http: bool = False,
        verify: bool | str = True,
        name: str = "context",
    ) -> None:
        url = base_url or _needed("CONTEXT_API_BASE_URL", "the address of the server")
        secret = token or _needed("CONTEXT_API_TOKEN", "the API token")
        if _is_too_long(tenant):
            allowed = f"fewer than {MOST_CHARACTERS} characters"
            raise SettingError(setting="tenant", value=tenant, allowed=allowed)
        self.name: Final = name
        self.batch_items: Final = 1  # a request is for one thread, and each outcome counts
        self.settle_s: Final = settle_s
        self._tenant = tenant
        self._limits = ContextLimits(name)
        self._redactor = redactor_of(list(redact), key=secret.encode())
        self._target = HttpTarget(
            url,
            secrets={"authorization": f"Bearer {secret}"},
            allow_plain_http=allow_plain_http,
            verify=verify,
        )

    @property
    def origin(self) -> str:
        """The server, and whose account."""
        return f"{self._target.origin} {self._tenant or ''}".rstrip()

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        """Send one item; where nobody knows what came of it before, look first."""
        return [self._sent(item, timeout_s) for item in items]

    def check(self, *, timeout_s: float) -> str | None:
        """Ask for a list of one conversation: that changes nothing."""
        outcome = ContextRequests(self._target, self._tenant, timeout_s).ask()
        return None if isinstance(outcome, Delivered) else outcome.reason

    def close(self) -> None:
        """Close the connections."""
        self._target.close()

    def log(self, conversation: Conversation, *, timeout_s: float = _TIMEOUT_S) -> Outcome:
        """Send a finished conversation as a whole, once.

        No id comes back for it: nothing can be added to it, rated or looked up later. What is
        shipped goes to threads for that reason; this is for conversations from elsewhere.
        """
        if self._redactor is not None:
            conversation = redacted_record(conversation, self._redactor)
        try:
            requests = self._requests(conversation.tenant, timeout_s)
            requests.append(LOG, finished(conversation, self._limits))
        except HeldUpError as error:
            return error.outcome
        return Delivered()

    def _sent(self, item: Item, timeout_s: float) -> Outcome:
        if self._redactor is not None:
            record = redacted_record(item.record, self._redactor)
            facts = redacted_record(item.conversation, self._redactor)
            item = replace(item, record=record, conversation=facts)
        tenant = item.conversation.tenant if item.conversation is not None else None
        if _is_too_long(tenant):
            return Rejected(f"the tenant has {MOST_CHARACTERS} characters or more")
        try:
            return ContextThread(item, self._requests(tenant, timeout_s), self._limits).take()
        except HeldUpError as error:
            return error.outcome

    def _requests(self, tenant: str | None, timeout_s: float) -> ContextRequests:
        return ContextRequests(self._target, tenant or self._tenant, timeout_s)


def _needed(variable: str, what: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise SettingError(setting=variable, value=None, allowed=what)
    return value


def _is_too_long(tenant: str | None) -> bool:
    return tenant is not None and len(tenant) >= MOST_CHARACTERS
