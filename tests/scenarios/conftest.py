"""What holds in scenarios: nothing that goes wrong in a hook is swallowed."""

from __future__ import annotations

import pytest

from threadline.capture.guard import hook_failures


@pytest.fixture(autouse=True)
def _failing_hooks_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_failures, "reraise", True)
