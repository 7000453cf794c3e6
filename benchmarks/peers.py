"""`python -m benchmarks.peers`: what other recorders add to the same turns, in the same rounds.

Those that are installed are measured, each with its default settings, sending to a server on this
machine that takes everything. They are not among the project's dependencies: make an environment of
its own for them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.cases import AgentTurn, Batch, Case, Stream
from benchmarks.handlers import NoOperation, TracerAlone, Variant, ours
from benchmarks.measuring import Spread, measure, quiet_difference
from benchmarks.sink import sink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROUNDS: Final = 20
_KEY: Final = "sk-lf-00000000-0000-0000-0000-000000000000"


class _Peer(Variant):
    """Another recorder's handler, and how it is told to send what it has."""

    def __init__(self, name: str, handler: Any, send: Callable[[], object]) -> None:
        super().__init__(name, handler)
        self._send = send

    def flush(self) -> None:
        self._send()


def _langsmith(address: str) -> _Peer:
    from langchain_core.tracers import LangChainTracer
    from langsmith import Client

    client = Client(api_url=address, api_key=_KEY, info={})
    return _Peer("langsmith", LangChainTracer(client=client), client.flush)


def _langfuse(address: str) -> _Peer:
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler

    client = Langfuse(public_key="pk-lf-0", secret_key=_KEY, host=address)
    return _Peer("langfuse", CallbackHandler(public_key="pk-lf-0"), client.flush)


def _openinference(address: str) -> _Peer:
    from openinference.instrumentation import OITracer, TraceConfig
    from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces")))
    tracer = OITracer(provider.get_tracer("benchmark"), config=TraceConfig())
    handler = OpenInferenceTracer(tracer, separate_trace_from_runtime_context=False)
    return _Peer("openinference-instrumentation-langchain", handler, provider.force_flush)


def _opik(address: str) -> _Peer:
    quiet = {"OPIK_CONSOLE_LOGGING_LEVEL": "CRITICAL"}  # it loses track of runs in a batch
    os.environ |= {"OPIK_URL_OVERRIDE": address, **quiet}
    from opik.integrations.langchain import OpikTracer

    tracer = OpikTracer()
    return _Peer("opik", tracer, tracer.flush)


_PEERS: Final[dict[str, Callable[[str], _Peer]]] = {
    "langsmith": _langsmith,
    "langfuse": _langfuse,
    "openinference-instrumentation-langchain": _openinference,
    "opik": _opik,
}
_CASES: Final[tuple[type[Case], ...]] = (AgentTurn, Stream, Batch)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    rounds: int = parser.parse_args(arguments).rounds
    there = [name for name in _PEERS if _version(name)]
    missing = [name for name in _PEERS if name not in there]
    if missing:
        print(f"not installed, left out: {' '.join(missing)}")
    with sink() as address, tempfile.TemporaryDirectory(prefix="threadline-bench-") as folder:
        ways = [
            Variant("none", None),
            Variant("no-op", NoOperation()),
            Variant("langchain-core's tracer alone", TracerAlone()),
            ours(Path(folder) / "ours.db", "threadline"),
            *(_PEERS[name](address) for name in there),
        ]
        for case in _CASES:
            _print(case(), ways, rounds)


def _print(case: Case, ways: Sequence[Variant], rounds: int) -> None:
    samples = measure(case, ways, rounds)
    none = samples["none"]
    print(f"\n{case.title}; no handler {Spread.of(none.cpu).median:.2f} ms")
    for way in ways[1:]:
        cpu, wall = samples[way.name].cpu, samples[way.name].wall
        added = Spread.of_differences(cpu, none.cpu).median
        waited = Spread.of_differences(wall, none.wall).median
        quiet = quiet_difference(cpu, none.cpu)
        label = f"{way.name} {_version(way.name) or ''}".strip()
        print(f"  {label:50} CPU {added:6.2f} ms ({quiet:.2f}), wall {waited:6.2f} ms")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
