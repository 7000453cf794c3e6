"""A destination that speaks OTLP over HTTP: one trace a turn, in the GenAI conventions."""

from __future__ import annotations

import gzip
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from threadline.errors import SettingError
from threadline.ingest import gen_ai, openinference
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.http import HIDDEN, HttpTarget, UnreachableError, outcome_of
from threadline.ingest.otlp_encoding import check_installed, encoded, partly_refused
from threadline.ingest.otlp_notes import span_of_note
from threadline.ingest.otlp_request import REQUEST_SPANS, beneath, beside, request_of
from threadline.model.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from threadline.ingest.destination import ConversationFacts, Item, Outcome
    from threadline.ingest.otlp_request import RequestSpan
    from threadline.ingest.wire_span import WireSpan
    from threadline.model.feedback import Event, Feedback, Rating

_DEFAULT: Final = "http://localhost:4318"
_BATCH: Final = 64
_LONGEST_BODY: Final = 4_000_000
_VARIABLE: Final = "OTEL_EXPORTER_OTLP_"
_OWN_VARIABLE: Final = "THREADLINE_OTLP_"
_TRACE: Final = "trace"

Convention = Literal["gen_ai", "openinference"]


class Words(NamedTuple):
    """A vocabulary: how a turn and a note are told in it."""

    turn: Callable[[Turn, ConversationFacts | None], list[WireSpan]]
    note: Callable[[Rating | Feedback | Event, ConversationFacts | None], WireSpan]


_WORDS: Final = {
    "gen_ai": Words(gen_ai.spans_of, span_of_note),
    "openinference": Words(openinference.spans_of, openinference.note_span),
}


class Otlp:
    """Sends each turn as a trace to an OpenTelemetry collector, or to what speaks its protocol.

    Ids of traces and spans follow from ours, so that a record that is sent twice is the same span.

    Args:
        endpoint: The full address of the traces endpoint; by default what
            `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` says, else that of
            a collector on this machine.
        headers: Headers, credentials among them; by default those of the `…_HEADERS` variables.
        convention: In which names: `gen_ai`, those of OpenTelemetry, or `openinference`. By
            default what `THREADLINE_OTLP_CONVENTION` says, else `gen_ai`.
        request_span: What becomes of the span that was active when a turn began: `link`, or
            `parent` to make the turn a part of that trace, or `none`. By default what
            `THREADLINE_OTLP_REQUEST_SPAN` says, else a link.
        resource: More resource attributes, beside `OTEL_RESOURCE_ATTRIBUTES` and
            `OTEL_SERVICE_NAME`.
        compress: Whether bodies are sent gzipped.
        allow_plain_http: Whether credentials may go to another machine unencrypted.
        verify: Whether the server's certificate is checked, or the file to check it with.
        name: The name of this destination, where there are several of the kind.

    Raises:
        SettingError: if an address, a header or a variable cannot be used.
        MissingExtraError: if the extra `otlp` is not installed.
    """

    def __init__(  # noqa: PLR0913 (settings; all but the address are named)
        self,
        endpoint: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        resource: Mapping[str, Any] | None = None,
        convention: Convention | None = None,
        request_span: RequestSpan | None = None,
        compress: bool = True,
        allow_plain_http: bool = False,
        verify: bool | str = True,
        name: str = "otlp",
    ) -> None:
        check_installed()
        environ = os.environ
        protocol = _variable(environ, "PROTOCOL")
        if protocol not in {None, "http/protobuf"}:
            allowed = "http/protobuf, the only one that is spoken here"
            raise SettingError(setting=f"{_VARIABLE}PROTOCOL", value=protocol, allowed=allowed)
        self.name: Final = name
        self.batch_items = _BATCH
        self._resource = _resource(environ) | dict(resource or {})
        self._compress = compress
        self._request_span = _one_of(REQUEST_SPANS, "request_span", request_span, environ)
        self._words = _WORDS[_one_of(tuple(_WORDS), "convention", convention, environ)]
        self._target = HttpTarget(
            endpoint or _endpoint(environ),
            secrets=_headers(environ) if headers is None else headers,
            allow_plain_http=allow_plain_http,
            verify=_variable(environ, "CERTIFICATE") or verify,
        )

    @property
    def origin(self) -> str:
        """The server, and whose account."""
        return self._target.origin

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        """Send the items in one request; a body that is too long is refused, and so split."""
        traces = {item.id: trace for item in items if (trace := self._receipt(item).get(_TRACE))}
        body = self._body([span for item in items for span in self._spans(item, traces)])
        if len(items) > 1 and len(body) > _LONGEST_BODY:
            return [Rejected("too much for one request")] * len(items)
        try:
            answer = self._post(body, timeout_s)
        except UnreachableError as error:
            return [Later(str(error))] * len(items)
        outcome = outcome_of(answer, self._target)
        if isinstance(outcome, Delivered):
            outcome = self._part_taken(answer.body, len(items))
        if isinstance(outcome, Delivered):
            return [Delivered(self._receipt(item)) for item in items]
        return [outcome] * len(items)

    def check(self, *, timeout_s: float) -> str | None:
        """Ask with an empty request whether traces would be taken."""
        try:
            outcome = outcome_of(self._post(self._body([]), timeout_s), self._target)
        except UnreachableError as error:
            return str(error)
        return None if isinstance(outcome, Delivered) else outcome.reason

    def close(self) -> None:
        """Close the connections."""
        self._target.close()

    def _spans(self, item: Item, traces: Mapping[str, str]) -> list[WireSpan]:
        """Return the spans of an item, where the setting wants them.

        Args:
            item: The item.
            traces: Of turns that are told now, too, the traces that are not their own.
        """
        record = item.record
        if not isinstance(record, Turn):
            note = self._words.note(record, item.conversation)
            trace = traces.get(record.turn_id or "") or item.receipt.get(_TRACE)
            return [note if trace is None else replace(note, trace_id=bytes.fromhex(trace))]
        spans = self._words.turn(record, item.conversation)
        request = request_of(record.request_span)
        if request is None or self._request_span == "none":
            return spans
        return (beneath if self._request_span == "parent" else beside)(spans, request)

    def _receipt(self, item: Item) -> dict[str, str]:
        """Return in which trace a turn was told, if not its own: what judges it goes there."""
        request = request_of(item.record.request_span) if isinstance(item.record, Turn) else None
        if request is None or self._request_span != "parent":
            return {}
        return {_TRACE: request.trace_id.hex()}

    def _part_taken(self, answer: bytes, count: int) -> Outcome:
        """Read what a server that took the request says of parts that it did not take.

        Which they are it does not say, and it took the others: they must not be sent again. So
        all of them are put aside, and from then on each goes alone, so that it can be known.
        """
        refused, why = partly_refused(answer)
        if not refused:
            return Delivered()
        self.batch_items = 1
        among = f" among those of {count} records" if count > 1 else ""
        said = self._target.without_secrets(why)
        return Rejected(f"{refused} spans{among} were refused: {said}", is_final=True)

    def _body(self, spans: Sequence[WireSpan]) -> bytes:
        return encoded(spans, self._resource, _version())

    def _post(self, body: bytes, timeout_s: float) -> Any:
        headers = {"content-type": "application/x-protobuf"}
        if self._compress:
            body = gzip.compress(body, compresslevel=6, mtime=0)
            headers["content-encoding"] = "gzip"
        return self._target.send("POST", "", body, headers=headers, timeout_s=timeout_s)


def _one_of(
    allowed: Sequence[str], setting: str, given: str | None, environ: Mapping[str, str]
) -> str:
    """Return a setting of ours: as given, else as the environment has it, else the first."""
    value = given or environ.get(_OWN_VARIABLE + setting.upper()) or allowed[0]
    if value not in allowed:
        raise SettingError(setting=setting, value=value, allowed=", ".join(allowed))
    return value


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(f"{_VARIABLE}TRACES_{name}") or environ.get(_VARIABLE + name) or None


def _endpoint(environ: Mapping[str, str]) -> str:
    full = environ.get(f"{_VARIABLE}TRACES_ENDPOINT")
    return full or (environ.get(f"{_VARIABLE}ENDPOINT") or _DEFAULT).rstrip("/") + "/v1/traces"


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    return _pairs(_variable(environ, "HEADERS") or "", f"{_VARIABLE}HEADERS")


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    told = _pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""), "OTEL_RESOURCE_ATTRIBUTES")
    name = environ.get("OTEL_SERVICE_NAME") or told.get("service.name") or "unknown_service:python"
    return told | {"service.name": name}


def _pairs(text: str, setting: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = piece.partition("=")
        if not key.strip() or not equals:
            raise SettingError(setting=setting, value=HIDDEN, allowed="key=value,key=value")
        pairs[key.strip()] = unquote(value.strip())
    return pairs


def _version() -> str:
    try:
        return version("threadline")
    except PackageNotFoundError:
        return "unknown"
