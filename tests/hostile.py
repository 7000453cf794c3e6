"""What a hostile model, tool, page or user would write to take a terminal over."""

from __future__ import annotations

from tests.samples import START, conversation, observed, said, span, turn

from threadline.model import (
    BlobPart,
    Conversation,
    Document,
    Event,
    Failure,
    Feedback,
    GenericPart,
    Prompt,
    Rating,
    ReasoningPart,
    Status,
    TextPart,
    ToolCallPart,
    Usage,
)

HOSTILE = (
    "\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\ \x1b]52;c;ZXZpbA==\x07 \x1b]0;title\x07"
    "\x1b[2J\x1b[1;1H\x9b31m\x90q\x9c\x85\rOK\b\b\x00\x7f\x0b\x0c\x0e\x0f"
    "\u202eevil\u202c\u2066iso\u2069\u200b\u200e\u061c\ufeff\u2028\u2029\u00ad\U000e0041\ud800"
    "[bold red]markup[/] [link=https://evil.example]x[/link] :smile: \x1bP0;1|17/ab\x1b\\"
)


def hostile() -> Conversation:
    """A conversation in which every text that an application or a model can choose is hostile."""
    bad = HOSTILE
    failure = Failure(bad, bad)
    call = ToolCallPart(bad, {bad: bad}, bad)
    message = said("user", bad, 3300, id=bad, name=bad, metadata={bad: bad})
    answer = said(
        "assistant",
        bad,
        3301,
        id=f"a{bad}",
        name=bad,
        partial=True,
        parts=(TextPart(bad), ReasoningPart(bad), call, GenericPart(bad, bad), BlobPart(b"x", bad)),
    )
    return conversation(
        f"t{bad}",
        turn(
            f"t{bad}",
            3300,
            3301,
            message,
            answer,
            said(bad, bad, 3301),
            id=f"turn{bad}",
            name=bad,
            user_id=f"other{bad}",
            tags=(bad,),
            status=Status.ERROR,
            error=failure,
            continues=bad,
            metadata={bad: bad},
            tool_observations=(
                observed(bad, bad, 3300, 3301, arguments={bad: bad}, result={bad: [bad]}),
                observed(bad, None, 3300, 3301, thought=bad, outcome="error", error=failure),
            ),
            spans=(
                span("agent", bad, 3300, 3301, id="h"),
                span(
                    "llm",
                    bad,
                    3300,
                    3301,
                    parent_id="h",
                    model=bad,
                    finish_reason=bad,
                    error=failure,
                    status="error",
                    prompt=Prompt(name=bad, version=bad, environment=bad, variables={bad: bad}),
                    parameters={bad: bad},
                    tools=({"name": bad, "parameters": {"properties": {bad: {}}}},),
                    input_messages=(message, answer),
                    output_messages=(answer,),
                    usage=Usage(input_tokens=1),
                ),
                span(
                    "retriever",
                    bad,
                    3300,
                    3301,
                    parent_id="h",
                    query=bad,
                    error=failure,
                    documents=(
                        Document(text=bad, id=bad, metadata={"title": bad}),
                        Document(text=bad),
                    ),
                ),
            ),
            ratings=(
                Rating(
                    id="hr",
                    at_ns=START,
                    name=bad,
                    label=bad,
                    comment=bad,
                    source=bad,
                    message_id=bad,
                ),
            ),
            events=(Event(id="he", at_ns=START, name=bad, metadata={bad: bad}),),
        ),
        user_id=bad,
        title=bad,
        tags=(bad,),
        metadata={bad: bad, "deep": {bad: [bad]}},
        prelude=(said("user", bad, 0, id="hp", kind="prelude"),),
        feedback=(Feedback(id="hf", at_ns=START, text=bad, user_id=bad),),
    )
