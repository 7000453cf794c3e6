"""Hooks of agents, and what humans decide of tool calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.events import Detail
from threadline.capture.plain import json_of
from threadline.haystack import names
from threadline.haystack.runs import Outcome, end_alone, hold_start
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
        run.talk = run.talk_around
        hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """Nothing is told of a hook."""

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """A hook returned or failed."""
        end_alone(run, at_ns, error)


class Strategies:
    """Reads decisions of humans: to confirm, modify or reject a tool call."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """Somebody is about to be asked."""
        run.name = "human decision"
        run.talk = run.talk_around
        run.output = {"call_id": tags.get(names.TOOL_CALL_ID)}
        hold_start(run)

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """They decided."""
        if key == names.STRATEGY_DECISION:
            run.output["type"] = _DECISIONS.get(str(value), str(value))
        elif key == names.STRATEGY_OUTPUT and run.talk is not None:
            given: Mapping[str, Any] = value if is_mapping(value) else {}
            decision = Decision(given.get("tool_call_id"), given.get("final_tool_params"))
            run.output["message"] = run.visible(given.get("feedback"))
            if given.get("execute"):
                run.talk.decided.append(decision)

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """They have been asked."""
        detail = Detail(attributes=json_of({"decided": run.output}))
        end_alone(run, at_ns, error, Outcome(detail=detail))
