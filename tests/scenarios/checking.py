"""Compares what was recorded with what a scenario says, and with what its models really met."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.scenarios.script import Call, Chat, Found, Line, Observed, Turn

from threadline.model.parts import ToolCallPart, ToolCallResponsePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from threadline.model import Conversation, Message, Span, ToolObservation
    from threadline.model import Turn as RecordedTurn
    from threadline.store.reader import Reader


class Met(NamedTuple):
    """One model call as the model itself met it: what it heard, said and counted."""

    heard: tuple[Line, ...]
    said: tuple[Line, ...]
    tokens: tuple[int, int] | None


def check(
    reader: Reader,
    chats: Iterable[Chat],
    tapes: Mapping[str, Any],
    *,
    unseen: int,
    unmet: int,
) -> list[RecordedTurn]:
    """Fail unless a store holds these conversations and the model calls that the tapes tell of.

    Args:
        reader: The store.
        chats: What is to be in it.
        tapes: What the scripted models met.
        unseen: How many model calls were not recorded.
        unmet: How many were recorded without a model being called.

    Returns:
        All its turns, the oldest first.
    """
    expected = sorted(chats, key=lambda chat: chat.thread or "")
    recorded = sorted(recorded_chats(reader), key=lambda chat: chat.thread or "")
    if recorded != expected:
        pytest.fail(difference(recorded, expected), pytrace=False)
    turns = sorted(reader.turns(kind=None, limit=1000), key=lambda turn: turn.started_ns)
    met: Counter[Met] = Counter(met for tape in tapes.values() for met in tape.met)
    calls = recorded_calls(turns)
    assert (calls - met).total() == unmet, calls - met
    assert (met - calls).total() == unseen, met - calls
    return turns


def recorded_chats(reader: Reader) -> list[Chat]:
    """Return every conversation of a store, the oldest first."""
    found = reader.turns(kind=None, limit=1000)
    threads = dict.fromkeys(turn.thread_id for turn in reversed(found))
    conversations = [reader.conversation(thread) for thread in threads]
    return [_chat(one) for one in conversations if one is not None]


def recorded_calls(turns: Iterable[RecordedTurn]) -> Counter[Met]:
    """Return every model call that was recorded."""
    return Counter(_met(span) for turn in turns for span in turn.llm_calls)


def span_trees(turns: Iterable[RecordedTurn]) -> list[str]:
    """Return the spans of each turn as lines of kind and name, indented by depth."""
    return [_tree(turn.spans) for turn in turns]


def difference(recorded: Sequence[Chat], expected: Sequence[Chat]) -> str:
    """Return what is not as expected, as lines of chats."""
    lines = difflib.unified_diff(_written(expected), _written(recorded), "expected", "recorded")
    return "\n".join(line.rstrip("\n") for line in lines)


def line_of(message: Message) -> Line:
    """Return a recorded message in the words of scenarios."""
    answers = [p.id for p in message.parts if isinstance(p, ToolCallResponsePart)]
    calls = tuple(
        Call(p.name, p.id, p.arguments) for p in message.parts if isinstance(p, ToolCallPart)
    )
    return Line(message.role, message.text, calls, answers[0] if answers else None, message.partial)


def hashable(value: Any) -> Any:
    """Return `value` so that it can be counted."""
    if isinstance(value, dict):
        return tuple(sorted((k, hashable(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(hashable(v) for v in value)
    return value


def _written(chats: Sequence[Chat]) -> list[str]:
    lines: list[str] = []
    for chat in chats:
        lines.append(f"conversation {chat.thread} of {chat.user}")
        lines += [f"  newest {text!r}" for text in chat.newest]
        lines += [f"  prelude {_sentence(line)}" for line in chat.prelude]
        for turn in chat.turns:
            behind = "" if turn.behind is None else f" behind {turn.behind!r}"
            lines.append(f"  {turn.kind} {turn.status}{behind} {turn.found or ''}")
            lines += [f"    {_sentence(line)}" for line in turn.said]
            lines += [f"    {one}" for one in turn.observed]
    return lines


def _sentence(line: Line) -> str:
    more = (line.calls, line.answers, "partial" if line.partial else None)
    return " ".join([f"{line.role}: {line.text!r}", *(str(one) for one in more if one)])


def _chat(conversation: Conversation) -> Chat:
    said = (*conversation.prelude, *(m for turn in conversation.turns for m in turn.messages))
    texts = {message.id: message.text for message in said}
    newest = conversation.messages if conversation.branch_count > 1 else ()
    return Chat(
        tuple(_turn(turn, texts) for turn in conversation.turns),
        conversation.thread_id if conversation.id_source == "application" else None,
        tuple(line_of(message) for message in conversation.prelude),
        conversation.user_id,
        tuple(message.text for message in newest),
    )


def _turn(turn: RecordedTurn, texts: Mapping[str, str]) -> Turn:
    branch = turn.branches_from
    return Turn(
        tuple(line_of(message) for message in turn.messages),
        tuple(_observed(one) for one in turn.tool_observations),
        str(turn.status),
        turn.kind,
        tuple(
            Found(d.text, d.score or 0.0, d.id or "") for r in turn.retrievals for d in r.documents
        ),
        texts.get(branch, "") if branch is not None else None,
    )


def _observed(one: ToolObservation) -> Observed:
    result = one.result if one.error is None else f"{one.error.type}: {one.error.message}"
    decision = one.decision
    words = None if decision is None else ": ".join(filter(None, (decision.kind, decision.message)))
    return Observed(one.name, one.arguments, one.outcome, result, one.call_id, one.thought, words)


def _met(span: Span) -> Met:
    usage = span.usage
    tokens = None if usage is None else (usage.input_tokens or 0, usage.output_tokens or 0)
    return Met(
        tuple(hashable(line_of(m)._replace(partial=False)) for m in span.input_messages),
        tuple(hashable(line_of(m)._replace(partial=False)) for m in span.output_messages),
        tokens,
    )


def _tree(spans: Sequence[Span]) -> str:
    children: dict[str | None, list[Span]] = {}
    known = {span.id for span in spans}
    for span in spans:
        parent = span.parent_id if span.parent_id in known else None
        children.setdefault(parent, []).append(span)
    return "\n".join(_branches(children, None, 0))


def _branches(children: dict[str | None, list[Span]], parent: str | None, depth: int) -> list[str]:
    lines: list[str] = []
    steps: list[str] = []  # what runs side by side starts in any order
    for span in children.get(parent, ()):
        mark = "" if span.status == "ok" else f" [{span.status}]"
        name = f"{span.name} {span.model}" if span.model else span.name
        own = [f"{'  ' * depth}{span.kind} {name}{mark}", *_branches(children, span.id, depth + 1)]
        if span.kind == "step" and steps and steps[-1].split("\n")[0] == own[0]:
            steps.append("\n".join(own))
            continue
        lines.extend(sorted(steps))
        steps = []
        if span.kind == "step":
            steps = ["\n".join(own)]
        else:
            lines.extend(own)
    return [*lines, *sorted(steps)]
