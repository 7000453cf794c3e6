"""Takes all that a store holds into another one, through lines of JSON, and compares the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from threadline import Client
from threadline.importing.adopting import adopt
from threadline.model import Conversation, decode
from threadline.render.export.lines import line_of
from threadline.store.adopting import every_thread
from threadline.store.connections import FileDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.model import ConversationSummary, Turn
    from threadline.store.reader import Reader


def through_lines(store: Reader) -> Iterator[Conversation]:
    """Yield every conversation of a store, each written as a line and read from it."""
    for conversation in everything(store):
        read = decode(line_of(conversation, "jsonl") or b"")
        assert isinstance(read, Conversation)
        yield read


def everything(store: Reader) -> list[Conversation]:
    """Return every conversation of a store, those too in which nothing was said."""
    assert store.path is not None
    threads = every_thread(FileDatabase(store.path)) if store.path.exists() else []
    found = [store.conversation(thread_id, tenant or None) for tenant, thread_id in threads]
    return sorted((c for c in found if c is not None), key=lambda c: (c.tenant or "", c.thread_id))


def same_elsewhere(store: Reader, path: Path) -> None:
    """Fail unless a store that takes everything holds the same, and a second time nothing more."""
    told = everything(store)
    with Client(store=path, min_free_bytes=0) as client:
        adopt(through_lines(store), client=client)
        again = adopt(through_lines(store), client=client)
        assert (again.turns, again.notes) == (0, 0)
        other = client.reader()
        for one in told:
            found = other.conversation(one.thread_id, one.tenant)
            assert found is not None, one
            same(one, found)
        if not told:
            return
        for whole in (_listed, _turns):
            same(whole(store), whole(other))


def _listed(store: Reader) -> tuple[ConversationSummary, ...]:
    """The list, in an order that does not depend on what was stored first."""
    found = store.conversations(limit=1000)
    return tuple(sorted(found, key=lambda one: (one.updated_ns, one.tenant or "", one.thread_id)))


def _turns(store: Reader) -> tuple[Turn, ...]:
    found = store.turns(limit=1000, kind=None)
    return tuple(sorted(found, key=lambda turn: (turn.started_ns, turn.id)))


def same(one: object, other: object) -> None:
    """Fail with what differs, if anything does."""
    found = "\n".join(differences(one, other))
    assert not found, found


def differences(one: object, other: object, place: str = "") -> Iterator[str]:
    """Yield where two records differ."""
    if isinstance(one, msgspec.Struct) and type(one) is type(other):
        for name in one.__struct_fields__:
            yield from differences(getattr(one, name), getattr(other, name), f"{place}.{name}")
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif one != other:
        yield f"{place}: {one!r} | {other!r}"
