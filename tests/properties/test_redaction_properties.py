"""What holds of redaction for any text, any place of a secret and any nesting."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from threadline.capture.redaction import Redactor

KEY = b"k" * 32
SECRETS = Redactor.compile(["secrets"], key=KEY)
PII = Redactor.compile(["pii"], key=KEY)
BOTH = Redactor.compile(["secrets", "pii"], key=KEY)

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RUN = ALNUM + "_-"


def token(start: str, size: int, alphabet: str = ALNUM) -> st.SearchStrategy[str]:
    """Build tokens of a form; in pieces, so that no scanner of the repository finds one here."""
    return st.text(alphabet, min_size=size, max_size=size + 8).map(lambda body: start + body)


# Prefixes that stand for themselves, wherever they are.
ANYWHERE = st.one_of(
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16, max_size=16).map(
        lambda body: "AKI" + "A" + body
    ),
    *(token("gh" + kind, 36) for kind in ("p_", "o_", "u_", "s_", "r_")),
    token("gl" + "pat-", 20, RUN),
    token("xo" + "xb-", 40, ALNUM + "-"),
    token("xa" + "pp-1-", 40, ALNUM + "-"),
    token("AI" + "za", 35, RUN),
    token("GOC" + "SPX-", 28, RUN),
    token("h" + "f_", 34),
    token("np" + "m_", 36),
    token("py" + "pi-AgE", 60, RUN),
    token("ls" + "v2_pt_", 32),
    token("gs" + "k_", 48),
    token("xa" + "i-", 60),
    token("pp" + "lx-", 48),
    token("tv" + "ly-", 32, RUN),
    token("nv" + "api-", 64, RUN),
    token("pc" + "sk_aB3dE_", 60),
    token("Account" + "Key=", 86, ALNUM + "+/"),
    token("-----BEGIN PRIVATE" + " KEY-----", 40),
    st.tuples(token("S" + "G.", 22, RUN), token(".", 43, RUN)).map("".join),
    st.tuples(token("ey" + "J", 16, RUN), token(".ey" + "J", 16, RUN), token(".", 20, RUN)).map(
        "".join
    ),
)
# Prefixes that could be the end of a word, and so count where one begins.
AT_A_WORD = st.one_of(
    token("sk" + "-", 32).filter(lambda text: not text[3:23].islower()),
    token("sk" + "-proj-", 48, RUN),
    token("sk" + "-ant-api03-", 80, RUN),
    token("sk" + "-or-v1-", 64, "0123456789abcdef"),
    token("sk" + "_live_", 24),
    token("rk" + "_test_", 24),
    token("Bearer ", 24, ALNUM + "-._~+/").filter(lambda text: any(map(str.isdigit, text))),
)
# What is put around: any text, and much that looks like the beginning or end of a secret.
NOISE = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                *("sk-", "task-", "_", "-", ".", "eyJ", ".eyJ", "AKIA", "ghp_", "xoxb-", "Bearer "),
                *("@", "a@b.example", "+1", "4111", " ", "\\n", "\n", '"', "]", "[", "[redacted:"),
                *("\x00", "\ud800", "-----BEGIN ", "%3D", "é", "0", "A", "078-05-1120", "SG."),
                *("4111 1111 1111 1111", "DE89370400440532013000", "+14155552671"),
            ]
        ),
    ),
    max_size=6,
).map("".join)
PLAIN = st.text(st.characters(exclude_characters="-_.@+ABGJ0123456789", codec="utf-8"), max_size=80)


def nested(leaf: str, wraps: list[int]) -> Any:
    """Wrap `leaf` in lists, tuples, values, keys and the JSON of it."""
    value: Any = leaf
    for wrap in wraps:
        if wrap == 0:
            value = ["x", value]
        elif wrap == 1:
            value = {"k": value, "n": 1}
        elif wrap == 2 and isinstance(value, str):
            value = {value: "x"}
        elif wrap == 3 and isinstance(value, str):
            value = msgspec.json.encode({"tool": value}).decode()
        else:
            value = ("x", value, None)
    return value


WRAPS = st.lists(st.integers(0, 4), max_size=6)
ENCODABLE = NOISE.filter(lambda text: "\ud800" not in text)


def shape(value: Any) -> Any:
    """What is left of a value when every text is taken for the same."""
    if isinstance(value, str):
        return str
    if isinstance(value, dict):
        return [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    return value


@given(before=NOISE, canary=ANYWHERE, after=NOISE)
def test_a_secret_never_survives_in_any_text(before: str, canary: str, after: str) -> None:
    """Whatever stands before and behind it, directly or not."""
    assume(canary[-16:] not in before + after)
    for subject in (SECRETS, BOTH):
        assert canary[-16:] not in subject.text(before + canary + after)


@given(
    before=NOISE,
    edge=st.sampled_from(["", " ", '"', "=", "\\n", "/"]),
    canary=AT_A_WORD,
    after=NOISE,
)
def test_a_secret_that_begins_a_word_never_survives(
    before: str, edge: str, canary: str, after: str
) -> None:
    """The same for prefixes that words end with, where a word begins."""
    if not edge and before[-1:].isascii() and before[-1:].isalnum():
        edge = " "
    assume(canary[-16:] not in before + after)
    for subject in (SECRETS, BOTH):
        assert canary[-16:] not in subject.text(before + edge + canary + after)


@given(before=ENCODABLE, canary=ANYWHERE | AT_A_WORD, after=ENCODABLE, wraps=WRAPS)
def test_a_secret_never_survives_in_any_nesting(
    before: str, canary: str, after: str, wraps: list[int]
) -> None:
    """In values, keys, tuples, JSON in strings; the bytes show that it is there; shapes stay."""
    assume(canary[-16:] not in before + after)
    value = nested(f"{before} {canary} {after}", wraps)
    encoded = msgspec.msgpack.encode(value)
    assert SECRETS.might_match(encoded)
    redacted = SECRETS.value(msgspec.msgpack.decode(encoded))
    assert canary[-16:].encode() not in msgspec.msgpack.encode(redacted)
    assert shape(SECRETS.value(value)) == shape(value)


@given(text=NOISE, canary=st.just("") | ANYWHERE | AT_A_WORD, more=NOISE)
def test_redacting_twice_changes_nothing_more(text: str, canary: str, more: str) -> None:
    """Markers are never matched, nothing is uncovered late, and the same text gives the same."""
    for rules, subject in ((["secrets"], SECRETS), (["pii"], PII), (["secrets", "pii"], BOTH)):
        once = subject.text(text + canary + more)
        assert subject.text(once) == once
        assert Redactor.compile(rules, key=b"other").text(text + canary + more) == once
        assert subject.counter.failures == 0


@given(text=ENCODABLE, canary=st.just("") | ANYWHERE | AT_A_WORD, more=ENCODABLE, wraps=WRAPS)
def test_what_the_bytes_do_not_show_is_not_there(
    text: str, canary: str, more: str, wraps: list[int]
) -> None:
    """Where the cheap test says no, the rules change nothing."""
    value = nested(text + canary + more, wraps)
    encoded = msgspec.msgpack.encode(value)
    for subject in (SECRETS, PII, BOTH):
        if not subject.might_match(encoded):
            assert subject.value(value) == value


@pytest.mark.parametrize("subject", [SECRETS, PII, BOTH], ids=["secrets", "pii", "both"])
@given(text=PLAIN)
def test_text_without_any_beginning_is_the_same_object(subject: Redactor, text: str) -> None:
    """Nothing is copied, and the test on the bytes says so."""
    assert subject.text(text) is text
    assert not subject.might_match(text.encode())


@given(text=NOISE, canary=ANYWHERE)
def test_an_identifier_tells_nothing_and_stays_itself(text: str, canary: str) -> None:
    """Hashed or not, hashing again gives the same; a text that stays has no match in it."""
    for subject in (SECRETS, PII, BOTH):
        once = subject.identifier(text + canary)
        assert subject.identifier(once) == once
        assert subject.text(once) == once
    assert canary not in SECRETS.identifier(text + canary)
