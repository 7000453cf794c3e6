"""A chat with two tools, logged by hand with Freeplay's own SDK, as its documentation shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from freeplay import CallInfo, Freeplay, RecordPayload, SessionInfo, UsageTokens
from freeplay.model import TestRunInfo
from freeplay.resources.prompts import PromptVersionInfo
from tests.freeplay.chat import (
    ENVIRONMENT,
    INSTRUCTION,
    METADATA,
    MODEL,
    PARAMETERS,
    PROVIDER,
    REPLIES,
    TEMPLATE,
    TEST_CASE,
    TEST_RUN,
    TOOLS,
    TURNS,
    VARIABLES,
    VERSION,
    weather,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Message = dict[str, Any]


class LoggedChat:
    """An application that talks to a model itself, and logs what it does."""

    def __init__(self, url: str, key: str, project_id: str) -> None:
        self._freeplay = Freeplay(freeplay_api_key=key, api_base=url)
        self._project_id = project_id
        self._session = self._freeplay.sessions.create(custom_metadata=METADATA)
        self._history: list[Message] = []
        self._replies: Iterator[Message] = iter(REPLIES)

    def run(self) -> None:
        """Have the whole conversation, then say what the user thinks of it."""
        logged = [self._agent_turn(question) for question in TURNS]
        self._prompted_turn()
        feedback = self._freeplay.customer_feedback
        (trace_id, _), (_, completion_id) = logged
        feedback.update_trace(self._project_id, trace_id, {"freeplay_feedback": "positive"})
        self._freeplay.metadata.update_session(
            self._project_id, self._session.session_id, {"feedback": "It did not help"}
        )
        thoughts = {"freeplay_feedback": "negative", "comment": "too short"}
        feedback.update(self._project_id, str(completion_id), thoughts)

    def _agent_turn(self, question: str) -> tuple[str, UUID]:
        """Answer a question; returns the ids of the trace and of the last completion."""
        trace = self._session.create_trace(
            input=question, agent_name="weather_agent", custom_metadata={"channel": "web"}
        )
        self._history.append({"role": "user", "content": question})
        while True:
            prompt = [{"role": "system", "content": INSTRUCTION}, *self._history]
            completion_id, reply = self._model_call(prompt, trace.trace_id, tool_schema=TOOLS)
            self._history.append(reply)
            if not reply.get("tool_calls"):
                trace.record_output(self._project_id, reply["content"])
                return trace.trace_id, completion_id
            for call in reply["tool_calls"]:
                self._tool_call(call, completion_id)

    def _prompted_turn(self) -> None:
        """Fill a template of Freeplay's, and ask that."""
        question = VARIABLES["question"]
        trace = self._session.create_trace(
            input=question, agent_name="prompted", custom_metadata={"channel": "web"}
        )
        version = PromptVersionInfo(prompt_template_version_id=VERSION, environment=ENVIRONMENT)
        _, reply = self._model_call(
            [{"role": "user", "content": TEMPLATE.format(**VARIABLES)}],
            trace.trace_id,
            inputs=VARIABLES,
            prompt_version_info=version,
            test_run_info=TestRunInfo(TEST_RUN, TEST_CASE),
        )
        trace.record_output(
            self._project_id, reply["content"], test_run_info=TestRunInfo(TEST_RUN, TEST_CASE)
        )

    def _model_call(
        self, prompt: list[Message], trace_id: str, **more: Any
    ) -> tuple[UUID, Message]:
        reply = dict(next(self._replies))
        tokens = reply.pop("tokens")
        completion_id = uuid4()
        self._freeplay.recordings.create(
            RecordPayload(
                project_id=self._project_id,
                all_messages=[*prompt, reply],
                session_info=SessionInfo(self._session.session_id, custom_metadata=METADATA),
                call_info=CallInfo(
                    provider=PROVIDER,
                    model=MODEL,
                    start_time=1.5,
                    end_time=2.5,
                    model_parameters=PARAMETERS,
                    usage=UsageTokens(*tokens),
                ),
                parent_id=UUID(trace_id),
                completion_id=completion_id,
                **more,
            )
        )
        return completion_id, reply

    def _tool_call(self, call: dict[str, Any], completion_id: UUID) -> None:
        arguments = json.loads(call["function"]["arguments"])
        trace = self._session.create_trace(
            input=arguments, kind="tool", name=call["function"]["name"], parent_id=completion_id
        )
        result = weather(**arguments)
        trace.record_output(self._project_id, result)
        self._history.append({"role": "tool", "tool_call_id": call["id"], "content": result})
