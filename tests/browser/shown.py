"""The conversations that are looked at in the viewer, in a store as an import makes it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from msgspec.structs import replace
from tests.samples import all_samples, conversation, said, span, turn

import threadline
from threadline import Client
from threadline.importing.adopting import adopt
from threadline.model import BlobPart, Conversation, Status, TextPart, Usage

if TYPE_CHECKING:
    from pathlib import Path

HUGE = "five-thousand-messages"
PICTURE = "picture-1"
ARABIC = "arabic-1"


def make_shown(path: Path) -> None:
    """Make the store."""
    with Client(store=path, ship=False, min_free_bytes=0) as client:
        samples = [_of_everybody(one) for one in all_samples()]
        adopt([*samples, _picture(), _arabic(), _huge(), *_shop()], client=client)
        threadline.rate(
            -1,
            thread_id=PICTURE,
            turn_id=_picture().turns[0].id,
            comment="It is a kite",
            client=client,
        )


def _of_everybody(one: Conversation) -> Conversation:
    """Return a conversation without its tenant: a viewer shows those of one."""
    turns = tuple(replace(turn, tenant=None) for turn in one.turns)
    return replace(one, tenant=None, turns=turns)


def _png(width: int, height: int) -> bytes:
    """A picture with a gradient, as a real one begins and ends."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (255 * x // width, 120, 255 * y // height))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _picture() -> Conversation:
    seen = (TextPart("What is in this picture?"), BlobPart(_png(320, 180), mime_type="image/png"))
    return conversation(
        PICTURE,
        turn(
            PICTURE,
            4000,
            4002,
            said("user", "", 4000, parts=seen),
            said("assistant", "A bird in the evening sky, high above the sea.", 4002),
        ),
        user_id="u-17",
    )


def _arabic() -> Conversation:
    return conversation(
        ARABIC,
        turn(
            ARABIC,
            4100,
            4101,
            said("user", "متى تفتح المكتبة يوم الأحد؟", 4100),
            said(
                "assistant",
                "تفتح قاعة القراءة يوم الأحد من الساعة **10:00** إلى **16:00**.\n\n"
                "- الطابق الأول: الكتب\n- الطابق الثاني: `API` والمجلات",
                4101,
            ),
        ),
        user_id="u-90",
        title="ساعات العمل",
    )


def _huge() -> Conversation:
    turns = []
    for number in range(2500):
        start = 150 * number - 370_000
        answer = f"This is answer {number}. " + "It goes on for a while. " * (number % 7)
        turns.append(
            turn(
                HUGE,
                start,
                start + 2,
                said("user", f"Question {number}: what comes next?", start),
                said("assistant", answer, start + 2),
                spans=(
                    span(
                        "llm",
                        "gpt-4o-mini",
                        start,
                        start + 2,
                        model="gpt-4o-mini",
                        usage=Usage(input_tokens=40 + number, output_tokens=30),
                    ),
                ),
                id=f"0192f0c1-7b1e-7cc3-98c4-{800_000_000_000 + number:012d}",
            )
        )
    return conversation(HUGE, *turns, title="A talk of five thousand messages")


_ASKED = ("Where is my parcel?", "Can I change the size?", "I want my money back.", "Thank you!")


def _shop() -> list[Conversation]:
    """A week of a small shop, so that the figures have something to show."""
    talks = []
    for number in range(160):
        start = 7200 - (number * 3571) % 600_000
        thread = f"order-{4000 + number}"
        status = Status.ERROR if number % 13 == 0 else Status.OK
        words = _ASKED[number % len(_ASKED)]
        took = 0.6 + (number * 7 % 11) / 3
        usage = Usage(input_tokens=300 + number * 3, output_tokens=40 + number % 50)
        call = span("llm", "gpt-4o", start, start + took, model="gpt-4o", usage=usage)
        talks.append(
            conversation(
                thread,
                turn(
                    thread,
                    start,
                    start + took,
                    said("user", words, start),
                    said("assistant", "Let me look that up for you.", start + took),
                    status=status,
                    spans=(call,),
                    id=f"0192f0c1-7b1e-7cc3-98c4-{900_000_000_000 + number:012d}",
                ),
                user_id=f"u-{number % 23}",
                tags=("web",) if number % 2 else ("mobile", "beta"),
            )
        )
    return talks
