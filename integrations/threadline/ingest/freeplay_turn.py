"""A turn as Freeplay's objects: completions, traces of tools and steps, and a trace of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.ingest.freeplay_completion import completion_body
from threadline.ingest.freeplay_prompt import OWN, case_of
from threadline.ingest.freeplay_request import FreeplayRequest
from threadline.ingest.freeplay_steps import error_output, error_text, observation_body, step_body
from threadline.ingest.freeplay_tree import SpanTree
from threadline.ingest.freeplay_values import flat, given, iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.ingest.freeplay_ids import FreeplayIds
    from threadline.model.turn import Turn
    from threadline.store.outbox_records import ConversationFacts


def turn_requests(
    turn: Turn,
    conversation: ConversationFacts | None,
    ids: FreeplayIds,
    *,
    agent_name: str | None = None,
) -> Iterator[FreeplayRequest]:
    """Yield what is to be sent of a turn: what it consists of in its order, last the turn itself.

    Args:
        turn: The turn.
        conversation: What its conversation says of itself.
        ids: Give the ids there.
        agent_name: What the turn's trace is called; by default what the turn is.
    """
    tree = SpanTree(turn, ids)
    session = f"/sessions/{session_of(turn, conversation, ids)}"
    about = session_metadata(conversation, turn)
    observations = {ident: seen for seen in turn.tool_observations for ident in seen.span_ids}
    for span in turn.spans:
        if span.kind == "llm":
            yield FreeplayRequest(
                path=f"{session}/completions",
                body=completion_body(
                    span,
                    tree.id_of(span),
                    tree.parent(span),
                    metadata=turn.metadata,
                    session_metadata=about,
                ),
                what=f"the completion {span.name!r}",
            )
        elif tree.is_sent(span):
            seen, calls = observations.get(span.id), tree.calls_below(span)
            body = step_body(span, tree.parent(span), seen=seen, calls=calls)
            yield _trace(session, tree.id_of(span), body)
    for seen in turn.tool_observations:
        if not seen.span_ids:
            asking = tree.asking(seen.call_id, seen.started_ns)
            body = observation_body(seen, tree.id_of(asking), turn)
            yield _trace(session, ids.span(seen.id), body)
    yield _trace(session, ids.turn(turn.id), _turn_body(turn, agent_name))
    if about and not turn.llm_calls:  # completions bring it along
        yield metadata_request(session_of(turn, conversation, ids), about)


def session_of(turn: Turn, conversation: ConversationFacts | None, ids: FreeplayIds) -> str:
    """Return the id of the session that a turn belongs to."""
    facts = conversation
    return ids.session(turn.thread_id, turn.tenant if facts is None else facts.tenant)


def session_metadata(conversation: ConversationFacts | None, turn: Turn) -> dict[str, Any]:
    """Return what is told of a conversation; an id that nobody gave is not told."""
    if conversation is None:
        return {}
    told = {
        "thread_id": None if conversation.is_generated else conversation.thread_id,
        "user_id": conversation.user_id or turn.user_id,
        "tenant": conversation.tenant,
        "title": conversation.title,
        "tags": ", ".join(conversation.tags) or None,
    }
    return flat(conversation.metadata, told)


def metadata_request(session_id: str, metadata: dict[str, Any]) -> FreeplayRequest:
    """Return the request that adds to a session's metadata."""
    return FreeplayRequest(
        method="PATCH",
        path=f"/sessions/id/{session_id}/metadata",
        body=metadata,
        what="the session's metadata",
        refers=True,
    )


def _trace(session: str, ident: str, body: dict[str, Any]) -> FreeplayRequest:
    name = body.get("name") or body.get("agent_name")
    return FreeplayRequest(path=f"{session}/traces/id/{ident}", body=body, what=f"trace {name!r}")


def _turn_body(turn: Turn, agent_name: str | None) -> dict[str, Any]:
    name = agent_name or turn.name or turn.app or "threadline"
    metadata = {key: value for key, value in turn.metadata.items() if not key.startswith(OWN)}
    told = {
        "turn_id": turn.id,
        "turn_status": str(turn.status),
        "turn_error": error_text(turn.error) if turn.error else None,
        "user_id": turn.user_id,
        "tags": ", ".join(turn.tags) or None,
        "continues": turn.continues,
        "branches_from": turn.branches_from,
        "app": turn.app,
        "environment": turn.environment,
        "release": turn.release,
        "side_call": True if turn.kind == "trace" else None,
    }
    return given(
        {
            "agent_name": name if turn.kind == "turn" else None,
            "name": None if turn.kind == "turn" else name,
            "input": turn.input,
            "output": turn.output or error_output(turn.error),
            "custom_metadata": flat(metadata, told) or None,
            "test_run_info": case_of(turn.metadata),
            "start_time": iso(turn.started_ns),
            "end_time": iso(turn.ended_ns),
        }
    )
