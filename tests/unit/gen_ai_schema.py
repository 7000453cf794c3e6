"""What the GenAI conventions v1.41.1 ask of messages, tool definitions and documents, as a schema.

Written for these tests after the JSON schemas of open-telemetry/semantic-conventions (Apache-2.0),
`docs/gen-ai/*.json` at the tag v1.41.1. Stricter in one way: there any object with a type is a
generic part, so that a wrong text part passes as a generic one; here a part of a known type must
be right as that.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
OBJECT_OR_NULL: Final[Schema] = {"type": ["object", "null"]}
ANYTHING: Final[Schema] = {}
MEDIA: Final[Schema] = {"modality": TEXT, "mime_type": TEXT_OR_NULL}

# by type: what a part must have, and what it may have
PARTS: Final[dict[str, tuple[Schema, Schema]]] = {
    "text": ({"content": TEXT}, {}),
    "reasoning": ({"content": TEXT}, {}),
    "tool_call": ({"name": TEXT}, {"id": TEXT_OR_NULL}),
    "tool_call_response": ({"response": ANYTHING}, {"id": TEXT_OR_NULL}),
    "server_tool_call": ({"name": TEXT, "server_tool_call": {"type": "object"}}, {}),
    "server_tool_call_response": ({"server_tool_call_response": {"type": "object"}}, {}),
    "blob": ({"content": TEXT, "modality": TEXT}, MEDIA),
    "file": ({"file_id": TEXT, "modality": TEXT}, MEDIA),
    "uri": ({"uri": TEXT, "modality": TEXT}, MEDIA),
}


def _object(needed: Schema, known: Schema) -> Schema:
    return {"type": "object", "required": sorted(needed), "properties": {**known, **needed}}


def _of_type(kind: str) -> Schema:
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": _object(*PARTS[kind]),
    }


PART: Final = _object({"type": TEXT}, {}) | {"allOf": [_of_type(kind) for kind in PARTS]}
MESSAGE: Final[Schema] = {"role": TEXT, "parts": {"type": "array", "items": PART}}

SCHEMAS: Final[dict[str, Schema]] = {
    "gen_ai.input.messages": {
        "type": "array",
        "items": _object(MESSAGE, {"name": TEXT_OR_NULL}),
    },
    "gen_ai.output.messages": {
        "type": "array",
        "items": _object(MESSAGE | {"finish_reason": TEXT}, {"name": TEXT_OR_NULL}),
    },
    "gen_ai.system_instructions": {"type": "array", "items": PART},
    "gen_ai.tool.definitions": {
        "type": "array",
        "items": _object(
            {"type": TEXT, "name": TEXT}, {"parameters": {"type": ["object", "null"]}}
        ),
    },
    # the conventions need id and score; retrievers do not always tell them, and none is made up
    "gen_ai.retrieval.documents": {
        "type": "array",
        "items": _object({}, {"id": TEXT, "score": {"type": "number"}}),
    },
}

DOUBLES: Final = frozenset(
    {
        "gen_ai.evaluation.score.value",
        "gen_ai.request.frequency_penalty",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.temperature",
        "gen_ai.request.top_k",
        "gen_ai.request.top_p",
        "gen_ai.response.time_to_first_chunk",
    }
)
INTEGERS: Final = frozenset(
    {
        "gen_ai.request.choice.count",
        "gen_ai.request.max_tokens",
        "gen_ai.request.seed",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.reasoning.output_tokens",
    }
)
LISTS: Final = frozenset({"gen_ai.request.stop_sequences", "gen_ai.response.finish_reasons"})
BOOLEANS: Final = frozenset({"gen_ai.request.stream"})


def kind_of(name: str) -> str:
    """Return as which kind of value OTLP must carry an attribute of the conventions."""
    for kind, names in (
        ("double_value", DOUBLES),
        ("int_value", INTEGERS),
        ("array_value", LISTS),
        ("bool_value", BOOLEANS),
    ):
        if name in names:
            return kind
    return "string_value"
