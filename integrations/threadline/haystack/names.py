"""What Haystack calls its operations and tags; its own code repeats these texts too."""

from __future__ import annotations

from typing import Final

PIPELINE: Final = "haystack.pipeline.run"
PIPELINE_INPUT: Final = "haystack.pipeline.input_data"
PIPELINE_OUTPUT: Final = "haystack.pipeline.output_data"
PIPELINE_METADATA: Final = "haystack.pipeline.metadata"

COMPONENT: Final = "haystack.component.run"
COMPONENT_NAME: Final = "haystack.component.name"
COMPONENT_TYPE: Final = "haystack.component.type"
COMPONENT_CLASS: Final = "haystack.component.fully_qualified_type"
COMPONENT_TAKES: Final = "haystack.component.input_types"
COMPONENT_GIVES: Final = "haystack.component.output_spec"
COMPONENT_INPUT: Final = "haystack.component.input"
COMPONENT_OUTPUT: Final = "haystack.component.output"

AGENT: Final = "haystack.agent.run"
AGENT_INPUT: Final = "haystack.agent.input"
AGENT_OUTPUT: Final = "haystack.agent.output"
STEP: Final = "haystack.agent.step"
STEP_LLM: Final = "haystack.agent.step.llm"
STEP_LLM_INPUT: Final = "haystack.agent.step.llm.input"
STEP_LLM_OUTPUT: Final = "haystack.agent.step.llm.output"
STEP_TOOL: Final = "haystack.agent.step.tool"
STEP_TOOL_INPUT: Final = "haystack.agent.step.tool.input"
STEP_TOOL_OUTPUT: Final = "haystack.agent.step.tool.output"
TOOL_NAME: Final = "haystack.tool.name"
TOOL_CALL_ID: Final = "haystack.tool.call.id"
TOOL_ERROR: Final = "haystack.tool.error"

HOOK: Final = "haystack.agent.hook"
HOOK_NAME: Final = "haystack.agent.hook.name"
STRATEGY: Final = "haystack.agent.hook.human_in_the_loop.strategy"
STRATEGY_OUTPUT: Final = "haystack.agent.hook.human_in_the_loop.strategy.output"
STRATEGY_DECISION: Final = "haystack.agent.hook.human_in_the_loop.strategy.decision"

INNER_MODEL: Final = "haystack.chat_generator.run"

CONTENT_SWITCH: Final = "HAYSTACK_CONTENT_TRACING_ENABLED"
