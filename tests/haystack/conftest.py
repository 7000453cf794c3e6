"""What tests of the Haystack adapter share: a client whose store is read back, and the tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from haystack.tracing.tracer import NullTracer, tracer
from tests.scenarios.haystack_first_version import HAS_COMPACTION

import threadline.haystack
from threadline import Client
from threadline.capture.guard import hook_failures
from threadline.capture.losses import Losses
from threadline.client.defaults import serving_as_default

if TYPE_CHECKING:
    from collections.abc import Iterator

# What it tests came with a later Haystack than the first that is allowed, which CI plays too.
collect_ignore = [] if HAS_COMPACTION else ["test_compaction.py"]


@pytest.fixture(autouse=True)
def _losses_of_this_test_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_failures, "losses", Losses())


@pytest.fixture
def client() -> Iterator[Client]:
    """A client with a store in memory, recording all of Haystack; everything is undone after."""
    client = Client(store="memory")
    with serving_as_default(client):
        threadline.haystack.attach()
        yield client
        threadline.haystack.detach()
    tracer.actual_tracer = NullTracer()
    client.close()
