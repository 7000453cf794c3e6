"""LangGraph's interrupts and resumes: what a human was asked, and what came back. No langgraph.

Classes are told by their names and attributes, so that langgraph need not be imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.capture.interrupts import is_interrupt_id
from threadline.capture.plain import json_of
from threadline.langchain.shapes import is_list, is_mapping
from threadline.model.message import ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.capture.recorder import Draft

_ASKING_KEYS: Final = ("question", "query", "message", "prompt", "text")
_ANSWERING_KEYS: Final = ("answer", "response", "message", "text", "data")


def is_command(value: object) -> bool:
    """Tell whether `value` is a Command of LangGraph."""
    return value.__class__.__name__ == "Command" and hasattr(value, "resume")


def resume_of(inputs: object) -> dict[str, Any] | None:
    """Return what a human's answer resumes a graph with; None if nothing does."""
    if not is_command(inputs):
        return None
    resume: Any = getattr(inputs, "resume", None)
    return None if resume is None else {"resume": resume}


def answers_in(resume: object) -> list[str]:
    """Return what a human said in words; an approval or an edit is none.

    Example:
        >>> answers_in("Bob"), answers_in({"type": "accept"}), answers_in({"a" * 32: "Bob"})
        (['Bob'], [], ['Bob'])
    """
    if isinstance(resume, str):
        return [resume] if resume else []
    if not is_mapping(resume):
        return []
    if resume and all(map(is_interrupt_id, resume)):
        return [text for value in resume.values() for text in answers_in(value)]
    words = [value for value in resume.values() if isinstance(value, str)]
    named = [key for key in _ANSWERING_KEYS if isinstance(resume.get(key), str)]
    return [resume[named[0]]] if named and len(words) == 1 else []


def interrupts_of(error: BaseException) -> list[tuple[str, object]]:
    """Return the id and the value of each interrupt that an exception carries."""
    carried: Any = error.args[0] if error.args else ()
    if not is_list(carried):
        return []
    return [
        (str(getattr(one, "id", "") or ""), one.value) for one in carried if hasattr(one, "value")
    ]


def handed_over(error: BaseException) -> object:
    """Return the Command by which a node hands over to another graph, leaving its own."""
    carried = error.args[0] if error.args else None
    return carried if is_command(carried) else None


def attributes_of(interrupts: list[tuple[str, object]]) -> bytes:
    """Return interrupts as a span keeps them."""
    return json_of({"interrupts": [{"id": ident, "value": value} for ident, value in interrupts]})


def questions_asked(
    interrupts: list[tuple[str, object]], draft: Draft
) -> Iterator[tuple[bytes, str | None]]:
    """Yield what a human was asked in words, as the assistant's, with the interrupt's id."""
    for ident, value in interrupts:
        text = _question_in(value)
        if text:
            yield draft.seal_text(text, ASSISTANT), ident or None


def _question_in(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if is_mapping(value):
        texts = (value.get(key) for key in _ASKING_KEYS)
        return next((text for text in texts if isinstance(text, str) and text), None)
    return None
