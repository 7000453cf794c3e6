"""Whatever a message holds is kept, once, and comes back as what the model was sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool

import threadline
from threadline.langchain import config
from threadline.model import (
    BlobPart,
    FilePart,
    GenericPart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from threadline.model import Turn

CALL = {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "c-1"}
CALL_PART = ToolCallPart("f", {"a": 1}, "c-1")
IMAGE = bytes(range(256)) * 3
IMAGE_64 = base64.b64encode(IMAGE).decode()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[threadline.Client]:
    with threadline.configure(store=tmp_path / "s.db", min_free_bytes=0) as client:
        yield client


def say(client: threadline.Client, messages: Sequence[Any], answer: AIMessage) -> Turn:
    model = GenericFakeChatModel(messages=iter([answer]))
    model.invoke(list(messages), config(thread_id="t-1"))
    client.flush()
    return client.reader().turns()[0]


ANSWERS = {
    "reasoning and citations": (
        [
            {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "s"}},
            {"type": "text", "text": "Hi", "annotations": [{"type": "citation", "url": "u"}]},
        ],
        {},
        (
            ReasoningPart("Hm.", {"extras": {"signature": "s"}}),
            TextPart("Hi", {"annotations": [{"type": "citation", "url": "u"}]}),
        ),
    ),
    "server-side tools": (
        [
            {"type": "server_tool_call", "name": "web", "args": {"q": 1}, "id": "s-1"},
            {"type": "server_tool_result", "tool_call_id": "s-1", "output": {"r": 1}},
        ],
        {},
        (
            GenericPart("server_tool_call", {"name": "web", "args": {"q": 1}, "id": "s-1"}),
            GenericPart("server_tool_result", {"tool_call_id": "s-1", "output": {"r": 1}}),
        ),
    ),
    "a call that is told twice": ([{**CALL}], {"tool_calls": [CALL]}, (CALL_PART,)),
    "a call that only a block tells": (
        [CALL],
        {},
        (GenericPart("tool_call", {"name": "f", "args": {"a": 1}, "id": "c-1"}),),
    ),
    "an invalid call": (
        "",
        {"invalid_tool_calls": [{"name": "f", "args": "{bad", "id": "i", "error": "parse"}]},
        (
            GenericPart(
                "invalid_tool_call", {"name": "f", "args": "{bad", "id": "i", "error": "parse"}
            ),
        ),
    ),
    "openai responses": (
        [
            {
                "type": "reasoning",
                "id": "rs",
                "summary": [{"type": "summary_text", "text": "One."}, {"text": "Two."}],
                "encrypted_content": "x",
            },
            {"type": "text", "text": "A", "annotations": [{"url": "u"}], "id": "msg"},
            {"type": "refusal", "refusal": "No."},
            {"type": "web_search_call", "id": "ws", "action": {"query": "q"}},
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c-1"},
        ],
        {"tool_calls": [CALL]},
        (
            ReasoningPart("One.\n\nTwo.", {"id": "rs", "encrypted_content": "x"}),
            TextPart("A", {"annotations": [{"url": "u"}]}),
            GenericPart("refusal", {"refusal": "No."}),
            GenericPart("web_search_call", {"id": "ws", "action": {"query": "q"}}),
            CALL_PART,
        ),
    ),
    "openai chat, refused": (
        "",
        {"additional_kwargs": {"refusal": "No."}},
        (GenericPart("refusal", {"refusal": "No."}),),
    ),
    "openai chat, in sound": (
        "",
        {"additional_kwargs": {"audio": {"id": "a", "data": IMAGE_64, "transcript": "Hello."}}},
        (BlobPart(IMAGE, None, "audio", {"id": "a", "transcript": "Hello."}),),
    ),
    "openai chat, the first kind of call": (
        "",
        {"additional_kwargs": {"function_call": {"name": "f", "arguments": "{}"}}},
        (GenericPart("function_call", {"name": "f", "arguments": "{}"}),),
    ),
    "deepseek": (
        "x",
        {"additional_kwargs": {"reasoning_content": "Because."}},
        (ReasoningPart("Because."), TextPart("x")),
    ),
    "anthropic": (
        [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "abc"},
            {"type": "text", "text": "t", "citations": [{"cited_text": "x"}]},
            {"type": "server_tool_use", "id": "st", "name": "web", "input": {"q": 1}},
            {"type": "web_search_tool_result", "tool_use_id": "st", "content": [{"url": "u"}]},
            {"type": "tool_use", "id": "c-1", "name": "f", "input": {"a": 1}},
        ],
        {"tool_calls": [CALL]},
        (
            ReasoningPart("Hm.", {"signature": "s"}),
            GenericPart("redacted_thinking", {"data": "abc"}),
            TextPart("t", {"citations": [{"cited_text": "x"}]}),
            GenericPart("server_tool_use", {"id": "st", "name": "web", "input": {"q": 1}}),
            GenericPart("web_search_tool_result", {"tool_use_id": "st", "content": [{"url": "u"}]}),
            CALL_PART,
        ),
    ),
    "gemini": (
        [
            {"type": "executable_code", "executable_code": "print(1)", "language": "PYTHON"},
            {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
            "words",
        ],
        {},
        (
            GenericPart("executable_code", {"executable_code": "print(1)", "language": "PYTHON"}),
            GenericPart("code_execution_result", {"code_execution_result": "1", "outcome": 1}),
            TextPart("words"),
        ),
    ),
    "bedrock": (
        [{"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "s"}}],
        {},
        (ReasoningPart("Hm.", {"signature": "s"}),),
    ),
}


@pytest.mark.parametrize(("content", "more", "parts"), ANSWERS.values(), ids=list(ANSWERS))
def test_an_answer_is_kept_as_it_was(
    client: threadline.Client, content: Any, more: dict[str, Any], parts: tuple[Any, ...]
) -> None:
    answer = AIMessage(content, **more)
    turn = say(client, ["q"], answer)
    assert turn.llm_calls[0].output_messages[0].parts == parts
    again = say(client, ["q", answer, "and?"], AIMessage("Yes."))
    assert again.llm_calls[0].input_messages[1].parts == parts
    conversation = client.reader().conversation("t-1")
    assert conversation is not None
    assert [message.role for message in conversation.messages] == ["user", "assistant"] * 2


BLOB = BlobPart(IMAGE, "image/png", "image")
QUESTIONS: dict[str, tuple[Any, Any]] = {
    "v1 image": ({"type": "image", "base64": IMAGE_64, "mime_type": "image/png"}, BLOB),
    "v0 image": (
        {"type": "image", "source_type": "base64", "data": IMAGE_64, "mime_type": "image/png"},
        BLOB,
    ),
    "openai image": (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE_64}"}},
        BLOB,
    ),
    "openai image elsewhere": (
        {"type": "image_url", "image_url": {"url": "http://i", "detail": "low"}},
        UriPart("http://i", None, "image", {"detail": "low"}),
    ),
    "openai responses image": (
        {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE_64}"},
        BLOB,
    ),
    "openai file": (
        {
            "type": "file",
            "file": {"filename": "a", "file_data": f"data:application/pdf;base64,{IMAGE_64}"},
        },
        BlobPart(IMAGE, "application/pdf", "file", {"filename": "a"}),
    ),
    "openai file there": (
        {"type": "file", "file": {"file_id": "f-1"}},
        FilePart("f-1", None, "file"),
    ),
    "anthropic document": (
        {
            "type": "document",
            "title": "T",
            "source": {"type": "base64", "media_type": "application/pdf", "data": IMAGE_64},
        },
        BlobPart(IMAGE, "application/pdf", "document", {"title": "T"}),
    ),
    "anthropic document in words": (
        {"type": "document", "source": {"type": "text", "data": "abcd"}},
        GenericPart("document", {"source": {"type": "text", "data": "abcd"}}),
    ),
    "gemini media": (
        {"type": "media", "mime_type": "video/mp4", "data": IMAGE},
        BlobPart(IMAGE, "video/mp4", "media"),
    ),
    "gemini media elsewhere": (
        {"type": "media", "mime_type": "video/mp4", "file_uri": "gs://v"},
        UriPart("gs://v", "video/mp4", "media"),
    ),
    "bedrock image": (
        {"image": {"format": "png", "source": {"bytes": b"abc"}}},
        GenericPart("image", {"image": {"format": "png", "source": {"bytes": "YWJj"}}}),
    ),
    "sound": (
        {"type": "input_audio", "input_audio": {"data": IMAGE_64, "format": "wav"}},
        BlobPart(IMAGE, "audio/wav", "audio"),
    ),
    "video": ({"type": "video", "url": "http://v"}, UriPart("http://v", None, "video")),
    "no base64": (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,no!"}},
        UriPart("data:image/png;base64,no!", None, "image"),
    ),
    "a lone surrogate": ({"type": "text", "text": "a\ud800b"}, TextPart("a?b")),
    "not a number": (
        {"type": "odd", "x": float("nan"), "y": 2**80},
        GenericPart("odd", {"x": "nan", "y": str(2**80)}),
    ),
}


@pytest.mark.parametrize(("block", "part"), QUESTIONS.values(), ids=list(QUESTIONS))
def test_what_is_asked_is_kept_as_it_was(client: threadline.Client, block: Any, part: Any) -> None:
    """Beside words; the bytes of an image are bytes, whatever form they came in."""
    question = HumanMessage([{"type": "text", "text": "See:"}, block])
    turn = say(client, [question], AIMessage("Yes."))
    assert turn.messages[0].parts == (TextPart("See:"), part)
    assert turn.llm_calls[0].input_messages == turn.messages[:1]


class Number(float):
    """A scalar as numpy has them: a float by class, and more."""

    dtype = "float64"

    def item(self) -> float:
        return float(self)


class Scalar:
    """A scalar that is no float by class."""

    dtype = "int64"
    size = 1

    def item(self) -> int:
        return 7


class Stubborn:
    """Cannot be written down, and says so."""

    def __repr__(self) -> str:
        msg = "no"
        raise RuntimeError(msg)


def test_values_of_any_kind_are_kept(client: threadline.Client) -> None:
    """Numbers as numbers, what has no form by its name, a cycle as such."""
    cycle: dict[str, Any] = {"type": "odd"}
    cycle["self"] = cycle
    odd = {"type": "odd", "n": Number(1.5), "s": Scalar(), "x": Stubborn(), "b": b"abc", "t": {1}}
    turn = say(client, [HumanMessage([cycle, odd])], AIMessage("Yes."))
    assert turn.messages[0].parts == (
        GenericPart("odd", {"self": {"type": "odd", "self": "<cycle>"}}),
        GenericPart("odd", {"n": 1.5, "s": 7, "x": "<Stubborn>", "b": "YWJj", "t": [1]}),
    )


def test_ten_megabytes_are_kept_once(client: threadline.Client, tmp_path: Path) -> None:
    """A text and an image, replayed in a second turn."""
    text, image = "word " * 2_000_000, IMAGE * 13_000
    question = HumanMessage(
        [
            {"type": "text", "text": text},
            {"type": "image", "base64": base64.b64encode(image).decode(), "mime_type": "image/png"},
        ]
    )
    first = say(client, [question], AIMessage(text))
    assert first.messages[0].parts == (TextPart(text), BlobPart(image, "image/png", "image"))
    assert first.output == text
    second = say(client, [question, AIMessage(text), "And?"], AIMessage("Yes."))
    assert second.llm_calls[0].input_messages[:2] == first.messages
    client.close()
    stored = (tmp_path / "s.db").stat().st_size
    assert stored < 1.1 * (len(text) + len(image))  # the same words from both are one value


def test_results_of_tools_in_many_forms_are_kept(client: threadline.Client) -> None:
    """What the model was told, block by block."""
    blocks: list[Any] = [
        {"type": "text", "text": "See:"},
        {"type": "image", "base64": IMAGE_64, "mime_type": "image/png"},
        "and more",
    ]
    told = ToolMessage(blocks, tool_call_id="c-1", status="error")
    turn = say(client, ["q", AIMessage("", tool_calls=[CALL]), told], AIMessage("Yes."))
    [part] = turn.llm_calls[0].input_messages[2].parts
    assert isinstance(part, ToolCallResponsePart)
    assert (part.id, part.error) == ("c-1", True)
    assert part.response[0] == blocks[0]
    assert part.response[2] == "and more"
    assert IMAGE_64 in str(part.response[1])


def test_an_answer_in_chunks_is_one_message(client: threadline.Client) -> None:
    """Blocks of one index grow together, as langchain-core adds them up."""
    chunks = [
        AIMessageChunk([{"type": "reasoning", "reasoning": "Hm", "index": 0}], id="m"),
        AIMessageChunk([{"type": "reasoning", "reasoning": "m.", "index": 0}], id="m"),
        AIMessageChunk([{"type": "text", "text": "Yes, ", "index": 1}], id="m"),
        AIMessageChunk([{"type": "text", "text": "it is.", "index": 1}], id="m"),
    ]

    class Streaming(GenericFakeChatModel):
        def _stream(self, *_: Any, **__: Any) -> Any:
            from langchain_core.outputs import ChatGenerationChunk

            for chunk in chunks:
                yield ChatGenerationChunk(message=chunk)

    list(Streaming(messages=iter(())).stream("q", config(thread_id="t-1")))
    client.flush()
    turn = client.reader().turns()[0]
    assert turn.messages[-1].parts == (ReasoningPart("Hmm."), TextPart("Yes, it is."))


@pytest.mark.parametrize(
    ("artifact", "kept"),
    [
        pytest.param({"rows": [1, 2]}, {"rows": [1, 2]}, id="small"),
        pytest.param([Scalar()], [7], id="odd values"),
        pytest.param("x" * 70_000, "<str of 70,000>", id="long text"),
        pytest.param(list(range(101)), "<list of 101>", id="many items"),
        pytest.param(["x" * 40_000] * 2, "<list of 80,020>", id="much in few items"),
    ],
)
def test_an_artifact_is_kept_within_reason(
    client: threadline.Client, artifact: Any, kept: Any
) -> None:
    """On the tool's span, not among the words; a large one is named."""

    @tool(response_format="content_and_artifact")
    def look_up(word: str) -> tuple[str, Any]:
        """Look a word up."""
        return f"{word}: found", artifact

    call = {"type": "tool_call", "name": "look_up", "args": {"word": "tea"}, "id": "c-1"}
    look_up.invoke(call, config(thread_id="t-1"))
    client.flush()
    turn = client.reader().turns(kind=None)[0]
    assert [span.attributes for span in turn.spans] == [{"artifact": kept}]
    assert turn.spans[0].result == "tea: found"
