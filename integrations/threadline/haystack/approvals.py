"""Hooks of agents, and what humans decide of tool calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import Detail
from threadline.capture.plain import json_of
from threadline.haystack import names
from threadline.haystack.runs import Outcome, hold_start, tell_end
from threadline.haystack.shapes import is_mapping
from threadline.haystack.talk import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.haystack.runs import LiveRun


_DECISIONS: Final = {"confirm": "approve", "modify": "edit", "reject": "reject"}


class Hooks:
    """Reads hooks that an application gave its agent."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A hook is about to run."""
        name = str(tags.get(names.HOOK_NAME) or "hook")
        run.name = name.rpartition(".")[2]
        run.talk = run.parent.talk if run.parent is not None else None
        hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """Nothing is told of a hook."""

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """A hook returned or failed."""
        if run.recorder is not None:
            with run.recorder.draft() as draft:
                tell_end(run, draft, at_ns, error)


class Strategies:
    """Reads decisions of humans: to confirm, modify or reject a tool call."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """Somebody is about to be asked."""
        run.name = "human decision"
        run.talk = run.parent.talk if run.parent is not None else None
        run.output = {"call_id": tags.get(names.TOOL_CALL_ID)}
        hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """They decided."""
        if key == names.STRATEGY_DECISION:
            run.output["type"] = _DECISIONS.get(str(value), str(value))
        elif key == names.STRATEGY_OUTPUT and run.talk is not None:
            given: Mapping[str, Any] = value if is_mapping(value) else {}
            decision = Decision(given.get("tool_call_id"), given.get("final_tool_params"))
            run.output["message"] = given.get("feedback")
            if given.get("execute"):
                run.talk.decided.append(decision)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """They have been asked."""
        if run.recorder is not None:
            with run.recorder.draft() as draft:
                detail = Detail(attributes=json_of({"decided": run.output}))
                tell_end(run, draft, at_ns, error, Outcome(detail=detail))
