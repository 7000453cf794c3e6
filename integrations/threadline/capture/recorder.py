"""The front of capture, on the application's own thread: encode, redact, journal, hand over.

Nothing here takes a lock: garbage collection may close a stream inside a hook and enter another
hook on the same thread. What threads share is only touched by single, atomic operations.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import msgspec

from threadline.capture import events
from threadline.capture.plain import plain_struct
from threadline.capture.redacting import redact_body, redact_event
from threadline.capture.withholding import withheld_body, withheld_event
from threadline.ids import keyed_digest
from threadline.model.message import Body, text_body
from threadline.model.parts import GenericPart
from threadline.store.journal import Journal, encode_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from threadline.capture.events import CaptureEvent
    from threadline.capture.losses import Losses
    from threadline.capture.redaction import Redactor

NOT_JOURNALED: Final = (
    "the journal cannot be written; what is recorded is only in memory until the store has it"
)
_CACHED_DIGESTS: Final = 20_000
_CACHED_BYTES: Final = 8_000_000
_KEY_OVERHEAD: Final = 300

Handed = tuple[Journal, bytes, dict[bytes, bytes]]
"""What the writer gets: the journal an event stands in, the event, the bodies it brought."""


class Handover(Protocol):
    """What the recorder needs of the writer: where journals come from, and somebody to wake."""

    def open_journal(self) -> Journal:
        """Return a new journal for this process; one that keeps nothing if need be."""
        ...

    def wake(self) -> None:
        """Let the writer know that a turn ended."""
        ...

    def stir(self) -> None:
        """Let the writer know that a turn began; costs nothing while it is awake anyway."""
        ...


class DigestCache:
    """Digests of message bodies that were sealed before, by their content; bounded, lock-free.

    The key of a body that is one text, and not an empty one, is its role, name and text. Adapters
    choose those of others.
    """

    def __init__(self) -> None:
        self._digests: dict[Any, bytes] = {}
        self._bytes = 0

    def table(self) -> Mapping[Any, bytes]:
        """Return what is known now: digests of what was sealed before, by its key."""
        return self._digests

    def put(self, key: Any, digest: bytes, size: int) -> None:
        """Remember a digest of `size` bytes of text; all is forgotten when too much is held."""
        size += _KEY_OVERHEAD
        self._bytes += size
        if self._bytes > _CACHED_BYTES or len(self._digests) >= _CACHED_DIGESTS:
            self._digests = {}
            self._bytes = size
        self._digests[key] = digest


class Recorder:
    """Takes events from adapters, by `draft`. One per client and process.

    `runs` is the adapters' own table of open runs, by the framework's id as a number; it lives
    here so that all handlers of a client share it and none records a run twice.
    """

    def __init__(
        self,
        handover: Handover,
        redactor: Redactor,
        *,
        losses: Losses,
        key: bytes,
        content: str,
        fsync: bool,
    ) -> None:
        self.queue: collections.deque[Handed] = collections.deque()
        self.digests = DigestCache()
        self.losses = losses
        self.journal: Journal | None = None
        self.stopped_for: str | None = None
        self.runs: dict[Any, Any] = {}
        self._first: dict[str, Journal] = {}
        self._handover = handover
        self._redactor = redactor
        self._key = key
        self._content = content
        self._fsync = fsync

    def is_stopped(self) -> bool:
        """Tell whether recording has stopped; what is not recorded is counted as lost."""
        if self.stopped_for is None:
            return False
        self.losses.add(self.stopped_for)
        return True

    def draft(self) -> Draft:
        """Begin one event; use it in a `with` block.

        Example::

            with recorder.draft() as draft:
                digest = draft.seal(body)
                draft.record(SpanStarted(...))
        """
        while True:
            journal = self.journal or self._open_first()
            draft = Draft(self, journal)
            journal.writing[draft] = None
            if self.journal is journal:
                return draft
            journal.writing.pop(draft, None)

    def encoded_body(self, body: Body) -> tuple[bytes, bytes]:
        """Return the digest of `body`, which is over what was said, and its bytes.

        The bytes still have to pass redaction, which `hand_over` does for a whole event at once.
        """
        try:
            data = events.encode_body(body)
        except Exception:  # noqa: BLE001 (foreign values, lone surrogates; cleaned and tried again)
            body = plain_struct(body)
            data = events.encode_body(body)
        digest = keyed_digest(data, self._key)
        if self._content != "full":
            data = events.encode_body(withheld_body(body, sizes=self._content == "metadata"))
        return digest, data

    def hand_over(self, draft: Draft, event: CaptureEvent, *, first: bool, last: bool) -> None:
        """Put the event of a draft into its journal and give it to the writer."""
        journal, bodies = draft.journal, draft.bodies
        data = self._encoded(event)
        payload = encode_payload(data, bodies)
        if self._redactor.might_match(payload):
            data, bodies = self._redacted(data, bodies)
            payload = encode_payload(data, bodies)
        try:
            journal.append(payload)
            if last and self._fsync:
                journal.sync()
        except OSError as error:
            self.losses.warn_once(NOT_JOURNALED, type(error).__name__)
            journal.gaps.add(getattr(event, "turn", b""))
            self.queue.append((journal, data, bodies))
        else:
            self._pass_on(journal, data, bodies)
        if last:
            self._handover.wake()
        elif first:
            self._handover.stir()

    def _pass_on(self, journal: Journal, data: bytes, bodies: dict[bytes, bytes]) -> None:
        """Give what stands in a journal to the writer, which reads one that spills itself."""
        if not journal.spills:
            self.queue.append((journal, data, bodies))
        if bodies:
            # only now: who refers to a body must come behind it, in the file and in the queue
            journal.known.update(bodies)

    def _encoded(self, event: CaptureEvent) -> bytes:
        if self._content != "full":
            event = withheld_event(event)
        try:
            return events.encode_event(event)
        except Exception:  # noqa: BLE001 (lone surrogates and the like; cleaned and tried again)
            return events.encode_event(plain_struct(event))

    def _redacted(
        self, data: bytes, bodies: dict[bytes, bytes]
    ) -> tuple[bytes, dict[bytes, bytes]]:
        """The one place where content is redacted, before disk and before anything else sees it."""
        redactor = self._redactor
        clean = events.encode_event(redact_event(events.decode_event(data), redactor))
        return clean, {
            digest: events.encode_body(redact_body(events.decode_body(body), redactor))
            for digest, body in bodies.items()
        }

    def forget_runs(self, runs: Iterable[bytes]) -> None:
        """Drop open runs of turns that are stored: they never end, or too late to matter."""
        for run in runs:
            self.runs.pop(int.from_bytes(run, "big"), None)

    def reset_journal(self) -> None:
        """Let the next event open a journal anew."""
        self.journal = None
        self._first = {}

    def _open_first(self) -> Journal:
        fresh = self._handover.open_journal()
        journal = self._first.setdefault("journal", fresh)
        if journal is not fresh:
            fresh.remove()
        elif self.journal is None:
            self.journal = journal
        return self.journal or journal


class Draft:
    """One event in the making. It pins the journal it goes to, so that all it needs is in there."""

    __slots__ = ("bodies", "journal", "recorder")

    def __init__(self, recorder: Recorder, journal: Journal) -> None:
        self.recorder = recorder
        self.journal = journal
        self.bodies: dict[bytes, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.journal.writing.pop(self, None)

    def seal(self, body: Body) -> bytes:
        """Return the digest of `body`; its bytes come along if the journal lacks them."""
        digest, data = self.recorder.encoded_body(body)
        if digest not in self.journal.known:
            self.bodies[digest] = data
        return digest

    def seal_value(self, value: Any) -> bytes:
        """Seal a free value (parameters, prompt variables) as a body without a role."""
        return self.seal(Body("", (GenericPart("value", value),)))

    def seal_json(self, data: bytes) -> bytes:
        """Seal a free value that is JSON already."""
        return self.seal(Body("", (GenericPart("value", msgspec.Raw(data)),)))

    def seal_text(self, text: str, role: str = "") -> bytes:
        """Seal a plain text: a document, the user's words, an answer; again costs a look-up."""
        if type(text) is not str:  # of a class of its own it could not be encoded
            text = str(text)
        digests, key = self.recorder.digests, (role, None, text)
        digest = digests.table().get(key)
        if digest is None or (digest not in self.journal.known and digest not in self.bodies):
            digest = self.seal(text_body(role, text))
            digests.put(key, digest, len(text))
        return digest

    def record(self, event: CaptureEvent, *, first: bool = False, last: bool = False) -> None:
        """Journal the event and hand it over.

        Args:
            event: What happened.
            first: A turn may begin with it, so that a writer that sleeps must come and look.
            last: A turn may end with it, so that the writer is woken.
        """
        self.recorder.hand_over(self, event, first=first, last=last)
