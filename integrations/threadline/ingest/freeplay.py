"""A destination that is a project of Freeplay: sessions, traces, completions, customer feedback."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from threadline.capture.redacted_records import redacted_record, redactor_of
from threadline.errors import SettingError
from threadline.ingest.destination import Later, Rejected
from threadline.ingest.freeplay_ids import FreeplayIds
from threadline.ingest.freeplay_notes import note_requests
from threadline.ingest.freeplay_project import FreeplayProject
from threadline.ingest.freeplay_sending import Acknowledged, ItemSender, Time
from threadline.ingest.freeplay_turn import turn_requests
from threadline.ingest.http import HttpTarget
from threadline.ingest.lanes import at_once
from threadline.model.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.ingest.destination import Item, Outcome
    from threadline.settings import RedactRule

_DEFAULT: Final = "https://app.freeplay.ai/api"
_LANES: Final = 8
"""How many conversations are sent at once, each over a connection of its own."""

_PROJECT: Final = re.compile(r"[A-Za-z0-9_-]+")


class Freeplay:
    """Records each turn as a trace of its conversation's session, with what it consists of.

    Each model call is a completion with its whole prompt, each tool a trace below the completion
    that asked for it. All ids follow from ours: what is sent twice is the same object.

    Args:
        base_url: The address of the API, such as `https://app.freeplay.ai/api`; by default what
            `FREEPLAY_API_URL` or `FREEPLAY_BASE_URL` says.
        api_key: The key; by default `FREEPLAY_API_KEY`.
        project_id: The project; by default `FREEPLAY_PROJECT_ID`.
        agent_name: What the trace of a turn is called; by default the name of what ran.
        redact: More redaction rules for what goes there; what is stored stays.
        allow_plain_http: Whether the key may go to another machine unencrypted.
        verify: Whether the server's certificate is checked, or the file to check it with.
        name: The name of this destination, where there are several of the kind.

    Raises:
        SettingError: if an address, a key, a project or a rule is missing or cannot be used.

    Example:
        >>> Freeplay(api_key="key", project_id="0a1b").name
        'freeplay'
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        project_id: str | None = None,
        *,
        agent_name: str | None = None,
        redact: Sequence[RedactRule] = (),
        allow_plain_http: bool = False,
        verify: bool | str = True,
        name: str = "freeplay",
    ) -> None:
        project = project_id or _needed("FREEPLAY_PROJECT_ID", "the id of a project")
        if not _PROJECT.fullmatch(project):
            allowed = "the id of a project, as Freeplay's settings show it"
            raise SettingError(setting="project_id", value=project, allowed=allowed)
        key = api_key or _needed("FREEPLAY_API_KEY", "a key of the workspace")
        self._projects = [
            FreeplayProject(
                HttpTarget(
                    _api(base_url or _address(os.environ)),
                    secrets={"authorization": f"Bearer {key}"},
                    allow_plain_http=allow_plain_http,
                    verify=verify,
                ),
                project,
            )
            for _ in range(_LANES)
        ]
        self.name: Final = name
        self.batch_items = 2 * _LANES
        self._ids = FreeplayIds(project)
        self._agent_name = agent_name
        self._redactor = redactor_of(list(redact), key=project.encode())
        acknowledged = Acknowledged()
        self._senders = [ItemSender(project, acknowledged) for project in self._projects]

    @property
    def origin(self) -> str:
        """Where it goes, and on whose account: not a word of the key."""
        return self._projects[0].origin

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        """Send several conversations at once, each in its order; it takes one object a request.

        Where an item has to wait, so do those behind it; where that is for all, so do they all.
        """
        lanes: dict[object, list[int]] = {}
        for number, item in enumerate(items):
            lanes.setdefault(_order_of(item), []).append(number)
        batch = _Batch(items, Time(timeout_s))
        tasks = [partial(self._send_in_order, batch, numbers) for numbers in lanes.values()]
        at_once(tasks, _LANES)
        return [batch.outcomes[number] for number in range(len(items))]

    def check(self, *, timeout_s: float) -> str | None:
        """Ask for the list of projects, and look whether this one is among them."""
        return self._projects[0].problem(timeout_s=timeout_s)

    def close(self) -> None:
        """Close the connections."""
        for project in self._projects:
            project.close()

    def _send_in_order(self, batch: _Batch, numbers: Sequence[int], lane: int) -> None:
        later: Later | None = None
        for number in numbers:
            outcome = later or batch.down or self._send(batch, number, self._senders[lane])
            batch.outcomes[number] = outcome
            if isinstance(outcome, Later):
                later = outcome
                batch.down = batch.down or (None if outcome.of_record else outcome)

    def _send(self, batch: _Batch, number: int, sender: ItemSender) -> Outcome:
        item = batch.items[number]
        record, facts, about = item.record, item.conversation, item.about
        if self._redactor is not None:
            record = redacted_record(record, self._redactor)
            facts = redacted_record(facts, self._redactor)
            about = redacted_record(about, self._redactor)
        if isinstance(record, Turn):
            requests = turn_requests(record, facts, self._ids, agent_name=self._agent_name)
            return sender.send_all(item, requests, batch.time)
        ways = note_requests(record, facts, about, self._ids)
        if not ways:
            return Rejected("neither its turn nor its conversation is known")
        return sender.send_one_of(item, ways, batch.time)


class _Batch:
    """Some items, what became of them, and why nothing more is tried of them."""

    def __init__(self, items: Sequence[Item], time: Time) -> None:
        self.items = items
        self.time = time
        self.outcomes: dict[int, Outcome] = {}
        self.down: Later | None = None


def _order_of(item: Item) -> object:
    """Return what items must be sent in order of: their conversation, else each is for itself."""
    facts = item.conversation
    return item.id if facts is None else (facts.tenant, facts.thread_id)


def _needed(variable: str, allowed: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise SettingError(setting=variable, value=None, allowed=allowed)
    return value


def _address(environ: Mapping[str, str]) -> str:
    return environ.get("FREEPLAY_API_URL") or environ.get("FREEPLAY_BASE_URL") or _DEFAULT


def _api(url: str) -> str:
    """Return the address of the API where only a host is named.

    Example:
        >>> _api("https://acme.freeplay.ai"), _api("https://acme.freeplay.ai/api/v2/")
        ('https://acme.freeplay.ai/api', 'https://acme.freeplay.ai/api')
    """
    url = url.rstrip("/").removesuffix("/v2")
    return url if urlsplit(url).path else f"{url}/api"
