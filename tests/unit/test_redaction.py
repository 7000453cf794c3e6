"""What the redactor takes out, what it leaves alone, and how it fails."""

from __future__ import annotations

import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from threadline.capture.redaction import FAILED, Redactor
from threadline.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = b"k" * 32
# Put together at run time, so that no scanner of the repository takes them for real ones.
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vWxYz04"
HEX = "0123456789abcdef" * 2
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END {0}PRIVATE KEY-----"

SECRETS = [
    ("openai-key", "sk" + "-" + MIXED * 2),
    ("openai-key", "sk" + "-proj-" + MIXED + "_-" + MIXED),
    ("openai-key", "sk" + "-svcacct-" + MIXED + "-_" + MIXED),
    ("openai-key", "sk" + "-admin-" + MIXED + "_" + MIXED),
    ("anthropic-key", "sk" + "-ant-api03-" + MIXED * 3 + "-_AA"),
    ("langfuse-key", "sk" + "-lf-01234567-89ab-cdef-0123-456789abcdef"),
    ("api-key", "sk" + "-or-v1-" + HEX * 2),
    ("aws-access-key", "AKI" + "AIOSFODNN7EXAMPLE"),
    ("aws-access-key", "ASI" + "AIOSFODNN7EXAMPLE"),
    ("github-token", "gh" + "p_" + MIXED + "abcdefgh"),
    ("github-token", "gh" + "o_" + MIXED + "abcdefgh"),
    ("github-token", "gh" + "u_" + MIXED + "abcdefgh"),
    ("github-token", "gh" + "s_" + MIXED + "abcdefgh"),
    ("github-token", "gh" + "r_" + MIXED * 2 + MIXED[:20]),
    ("github-token", "github" + "_pat_" + MIXED[:22] + "_" + MIXED * 2 + "abc"),
    ("gitlab-token", "gl" + "pat-" + MIXED[:18] + "-_"),
    ("gitlab-token", "gl" + "pat-" + MIXED + ".01.0a1b2c3d4"),
    ("slack-token", "xo" + "xb-123456789012-1234567890123-" + MIXED[:24]),
    ("slack-token", "xo" + "xp-123456789012-123456789012-123456789012-" + HEX),
    ("slack-token", "xa" + "pp-1-A0123456789-1234567890123-" + HEX * 2),
    ("google-api-key", "AI" + "za" + MIXED + "-_abcde"),
    ("google-client-secret", "GOC" + "SPX-" + MIXED),
    ("stripe-key", "sk" + "_live_" + MIXED[:24]),
    ("stripe-key", "rk" + "_live_" + MIXED * 3),
    ("stripe-key", "sk" + "_test_" + MIXED[:24]),
    ("huggingface-token", "h" + "f_" + MIXED + "abcdef"),
    ("npm-token", "np" + "m_" + MIXED + "abcdefgh"),
    ("pypi-token", "py" + "pi-AgEIcHlwaS5vcmc" + MIXED * 4),
    ("langsmith-key", "ls" + "v2_pt_" + HEX + "_0123456789"),
    ("langsmith-key", "ls" + "v2_sk_" + HEX + "_0123456789"),
    ("groq-key", "gs" + "k_" + MIXED * 2),
    ("xai-key", "xa" + "i-" + MIXED * 3),
    ("perplexity-key", "pp" + "lx-" + MIXED * 2),
    ("tavily-key", "tv" + "ly-dev-" + MIXED),
    ("nvidia-key", "nv" + "api-" + MIXED + "-_" + MIXED),
    ("pinecone-key", "pc" + "sk_aB3dE_" + MIXED * 2),
    ("pinecone-key", "pc" + "sk_aB3dEf_" + MIXED * 2),
    ("sendgrid-key", "S" + "G." + MIXED[:22] + "." + MIXED + MIXED[:15]),
    ("azure-key", MIXED + MIXED[:24] + "JQQ" + "J99" + "B" * 26),
    ("jwt", "ey" + "JhbGciOiJIUzI1NiJ9" + ".ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0" + "." + MIXED),
    ("private-key", PEM.format("")),
    ("private-key", PEM.format("RSA ")),
    ("private-key", PEM.format("OPENSSH ")),
    ("private-key", PEM.format("ENCRYPTED ")),
]
PII = [
    ("email", "ada.lovelace+news@mail.example.co.uk"),
    ("email", "jörg_99@müller.example"),
    ("email", "x@пример.рф"),
    ("card", "4111111111111111"),
    ("card", "4111 1111 1111 1111"),
    ("card", "5500-0055-5555-5559"),
    ("card", "378282246310005"),
    ("card", "3782 822463 10005"),
    ("card", "6011000990139424"),
    ("card", "2223003122003222"),
    ("iban", "DE89370400440532013000"),
    ("iban", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "MT84MALT011000012345MTLCAST001S"),
    ("iban", "NO93 8601 1117 947"),
    ("ssn", "078-05-1120"),
    ("phone", "+14155552671"),
    ("phone", "+49 (0)30 123456-78"),
    ("phone", "+44 20 7946 0958"),
]
KINDS = [("secrets", *row) for row in SECRETS] + [("pii", *row) for row in PII]
FRAMES = [
    pytest.param("{}", id="alone"),
    pytest.param("{} is at the start", id="start"),
    pytest.param("at the end is {}", id="end"),
    pytest.param('{{"token": "{}", "n": 1}}', id="json"),
    pytest.param('{{\\"token\\": \\"{}\\"}}', id="json-in-json"),
    pytest.param("https://host.example/?key={}&page=2", id="url"),
    pytest.param("('{}',)", id="repr"),
    pytest.param("日本語「{}」です😀", id="unicode"),
]


def redactor(*rules: Any) -> Redactor:
    return Redactor.compile(rules, key=KEY)


def encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("family", "name", "canary"), KINDS)
def test_what_is_known_is_taken_out_and_the_rest_stays(
    family: str, name: str, canary: str, frame: str
) -> None:
    """The marker takes exactly the place of what matched, and the test in front knew of it."""
    text = frame.format(canary)
    assert redactor(family).text(text) == frame.format(f"[redacted:{name}]")
    assert redactor(family).might_match(encode({"content": text}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {MIXED}==", "Authorization: Bearer [redacted:bearer-token]"),
        (
            "DefaultEndpointsProtocol=https;Account" + "Key=" + MIXED * 3 + "ab==;Endpoint=x",
            "DefaultEndpointsProtocol=https;AccountKey=[redacted:azure-storage-key];Endpoint=x",
        ),
        ("key:\\nsk" + "-" + MIXED, "key:\\n[redacted:openai-key]"),
        ("key%3Dsk" + "-" + MIXED, "key%3D[redacted:openai-key]"),
        ("\\u0022sk" + "-" + MIXED, "\\u0022[redacted:openai-key]"),
        ("\x1b[31msk" + "-" + MIXED, "\x1b[31m[redacted:openai-key]"),
        ("KEY=sk" + "-" + MIXED, "KEY=[redacted:openai-key]"),
        ("a" + PEM.format("")[:60], "a[redacted:private-key]"),
        ("sk" + "-" + MIXED + ",sk" + "-" + MIXED, "[redacted:openai-key],[redacted:openai-key]"),
        (
            "xa" + "i-" + MIXED * 3 + "\nAKI" + "A" * 17,
            "[redacted:xai-key]\n[redacted:aws-access-key]",
        ),
    ],
)
def test_only_the_secret_part_goes(text: str, expected: str) -> None:
    """What leads to a secret is kept; several in one text, escaped or cut, all go."""
    assert redactor("secrets").text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The task-force was risk-averse about desk-bound-internationalization-projects of 2024.",
        "disk-0123456789abcdef0123456789abcdef and task-0123456789abcdef0123456789abcdef",
        "sk-learn-compatible-estimators-and-transformers, sk-SK, sk-internationalization",
        "task_test_0123456789abcdef0123456789 risk_live_0123456789abcdef0123456789",
        "github_pat_token_for_the_release_workflow_in_continuous_integration",
        "ghp_ gho_short npm_config_registry hf_transformers_cache xoxo-with-much-love-from-us",
        "The ring Bearer authenticationmechanism; Bearer ${TOKEN}; Bearer <your-token-goes-here>",
        "eyJhbGciOiJIUzI1NiJ9 alone, eyJ.eyJ, and a BEGIN PRIVATE KEY without dashes",
        "AUSTRALASIAPACIFICHEADQUARTERS",
        "call_aB3dE6gH9jK2mN5pQ8sT1vWx run-01234567-89ab-cdef-0123-456789abcdef chatcmpl-" + MIXED,
        "claude-sonnet-4-20250514 text-embedding-3-small pplx-7b-online xai-grok-2-latest",
        "MSG.field SG.short.x AKIA ASIA AIza JQQJ9 AccountKey= sk- sk_live_",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBg\n-----END CERTIFICATE-----",
        "",
    ],
)
def test_secrets_never_surprise(text: str) -> None:
    """Words, slugs, placeholders and ids of frameworks stay, and stay the same object."""
    assert redactor("secrets").text(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "lodash@4.17.21 user@localhost @app.route('/') a @ b.com",
        "4111111111111112 and 1700000000000000000 and 0.4111111111111111 and 14111111111111111",
        "DE89370400440532013001 XX89370400440532013000 ISO8601 DE89",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 1123-45-6789",
        "2024-01-01T10:00:00+01:00 x+12345678901 1e+12345678901 C++17 +1 UTC+2",
        "192.168.100.200:8080 01234567-89ab-cdef-0123-456789abcdef",
        "",
    ],
)
def test_pii_checks_what_it_finds(text: str) -> None:
    """Check digits, ranges and neighbours decide, so that versions, times and ids stay."""
    assert redactor("pii").text(text) is text


def test_a_card_is_found_behind_other_digits() -> None:
    """A group of digits before it does not hide a card."""
    text = "1234 5234 4111 1111 1111 1111 9999"
    assert redactor("pii").text(text) == "1234 5234 [redacted:card] 9999"


def test_an_iban_does_not_swallow_the_words_behind_it() -> None:
    """The length of its country ends it."""
    text = "NO93 8601 1117 947 THIS TEXT STAYS"
    assert redactor("pii").text(text) == "[redacted:iban] THIS TEXT STAYS"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.example@c.example", "[redacted:email]@c.example"),
        ("a@b.example,c@d.example", "[redacted:email],[redacted:email]"),
        ("a@b@c.example", "a@[redacted:email]"),
        (f"+14155552671 sk-{MIXED}", "[redacted:phone] [redacted:openai-key]"),
        (f"+14155552671sk-{MIXED}", "[redacted:phone][redacted:openai-key]"),
        (f"DE89370400440532013000AKIA{'A' * 16}", "[redacted:iban][redacted:aws-access-key]"),
    ],
)
def test_neighbours_do_not_hide_each_other(text: str, expected: str) -> None:
    """What another match uncovers is taken out as well, so that a second run finds nothing."""
    both = redactor("secrets", "pii")
    assert both.text(text) == expected
    assert both.text(expected) == expected


@pytest.mark.parametrize("first", [chr(length) for length in b"AZaz09"])
def test_the_length_in_front_of_an_encoded_string_is_no_letter(first: str) -> None:
    """msgpack writes a string's length before it; read as text, it would end a word boundary."""
    for _, canary in SECRETS:
        text = (canary + " ").ljust(ord(first)) if len(canary) < ord(first) else canary
        encoded = encode(text)
        assert redactor("secrets").might_match(encoded)
        assert redactor("secrets").might_match(first.encode() + encoded)


def test_a_value_keeps_its_shape() -> None:
    """Strings at any depth and in keys are redacted; all else is the same; the original stays."""
    key = "sk" + "-" + MIXED
    value = {
        "a": [1, 2.5, None, True, key, b"sk-" + MIXED.encode(), (key, {"x": {key}})],
        key: {"b": key},
        3: key,
    }
    mark = "[redacted:openai-key]"
    before = repr(value)
    assert redactor("secrets").value(value) == {
        "a": [1, 2.5, None, True, mark, b"sk-" + MIXED.encode(), (mark, {"x": {mark}})],
        mark: {"b": mark},
        3: mark,
    }
    assert repr(value) == before


def test_keys_that_become_equal_are_numbered() -> None:
    """Two secrets as keys must not cost one of the values."""
    first, second, third = ("sk" + "-" + MIXED + end for end in "abc")
    mark = "[redacted:openai-key]"
    value = {first: 1, second: 2, third: 3, f"{mark} (2)": 4}
    expected = {mark: 1, f"{mark} (3)": 2, f"{mark} (4)": 3, f"{mark} (2)": 4}
    assert redactor("secrets").value(value) == expected


def test_what_is_too_deep_to_look_at_is_given_up() -> None:
    """Deep nesting never raises, and nothing below the last level looked at survives."""
    canary = "sk" + "-" + MIXED
    value: Any = canary
    for _ in range(sys.getrecursionlimit()):
        value = [value]
    subject = redactor("secrets")
    result, depth = subject.value(value), 0
    while isinstance(result, list):
        [result], depth = result, depth + 1
    assert (result, depth > 50, subject.counter.failures) == (FAILED, True, 1)


def test_an_identifier_is_kept_or_hashed() -> None:
    """A hashed id is the same every time, differs by id and key, and is itself left alone."""
    subject, other = redactor("pii"), Redactor.compile(["pii"], key=b"other")
    ada, bob = subject.identifier("ada@example.org"), subject.identifier("bob@example.org")
    assert re.fullmatch(r"redacted:[0-9a-f]{32}", ada)
    assert ada == redactor("pii").identifier("ada@example.org")
    assert len({ada, bob, other.identifier("ada@example.org")}) == 3
    assert subject.identifier("thread-17") == "thread-17"
    assert subject.identifier(ada) == ada
    assert redactor("pii", "re:[0-9a-f]{8}", lambda _: "").value({ada: [ada]}) == {ada: [ada]}


def test_a_long_key_is_taken_whole() -> None:
    """Keys may be longer than the hash takes; their ends count as well."""
    hashes = {
        Redactor.compile(["pii"], key=b"k" * 100 + end).identifier("ada@example.org")
        for end in (b"a", b"b")
    }
    assert len(hashes) == 2


def test_a_representation_shows_no_key() -> None:
    """The key would let anyone test guesses of what was redacted."""
    assert "secret-key" not in repr(Redactor.compile(["secrets"], key=b"secret-key"))


@pytest.mark.parametrize(
    "rule",
    [
        "re:Apollo \\d+",
        re.compile("Apollo [0-9]+"),
        lambda text: text.replace("Apollo 11", "[redacted:own]"),
    ],
)
def test_own_rules_run_on_every_text(rule: Any) -> None:
    """A pattern by text or compiled, or a callable; no cheap test can stand in front of them."""
    subject = redactor(rule)
    assert subject.text("to Apollo 11!") == "to [redacted:own]!"
    assert subject.might_match(b"")


def test_named_rules_have_the_last_word() -> None:
    """What an own rule puts together or lets through is still looked at."""
    canary = "sk" + "-" + MIXED
    joined = redactor("secrets", lambda text: text.replace("\u200b", ""))
    assert joined.text(canary.replace("-", "-\u200b")) == "[redacted:openai-key]"


def test_an_own_pattern_that_matches_nothing_changes_nothing() -> None:
    """`x*` also matches the empty text between any two characters."""
    assert redactor("re:x*").text("abxxc") == "ab[redacted:own]c"


def _raises(text: str) -> str:
    raise RuntimeError(text)


@pytest.mark.parametrize("rule", [_raises, lambda _: None, str.encode, len])
def test_a_rule_that_fails_costs_the_text(
    rule: Callable[[str], Any], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fail closed: the text goes, the caller goes on, nothing of it is said, and it is counted."""
    subject = redactor("secrets", rule)
    assert subject.value({"a": ["my text", 1]}) == {FAILED: [FAILED, 1]}
    assert subject.counter.failures == 2
    assert subject.identifier("my id").startswith("redacted:")
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")


def test_a_text_that_does_not_settle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is still changing after the last pass may still hold something."""
    monkeypatch.setattr("threadline.capture.redaction._PASSES", 1)
    subject = redactor("secrets")
    assert (subject.text("fine"), subject.counter.failures) == ("fine", 0)
    assert (subject.text("sk" + "-" + MIXED), subject.counter.failures) == (FAILED, 1)


@pytest.mark.parametrize("rules", [[], ["secrets"], ["pii"], ["secrets", "pii", "secrets"]])
def test_text_without_matches_comes_back_itself(rules: list[str]) -> None:
    """No copy is made of what is not changed, lone surrogates included."""
    text = "An ordinary answer, with \ud800 and 日本語 in it. " * 30
    subject = redactor(*rules)
    assert subject.text(text) is text
    assert not subject.might_match(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("rule", ["secret", "re:", "re:(", "", 3, None, re.compile(b"x")])
def test_a_rule_that_does_not_exist_is_named(rule: Any) -> None:
    """The error says which setting, which rule, and what is allowed."""
    with pytest.raises(SettingError, match="redact") as raised:
        redactor("secrets", rule)
    assert (raised.value.setting, raised.value.value) == ("redact", rule)


def test_rules_are_a_list() -> None:
    """A bare string would be taken for a list of letters."""
    with pytest.raises(SettingError, match="a list of rules"):
        Redactor.compile("secrets", key=KEY)


def test_threads_may_share_a_redactor() -> None:
    """Nothing is kept between two texts."""
    subject, wrong = redactor("secrets", "pii"), list[str]()

    def work(number: int) -> None:
        for turn in range(200):
            text = f"{number}/{turn}: sk" + f"-{MIXED} a@b.example"
            if subject.text(text) != f"{number}/{turn}: [redacted:openai-key] [redacted:email]":
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


HOSTILE = [
    *("sk-", "sk-a-", "-sk-admin-", "sk-proj", "xoxb-", "AKIA", "ghp_", "ghp_" + MIXED),
    *("eyJ", ".eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa.eyJ", "JQQJ9", MIXED + "JQQJ9", "AccountKey="),
    *("SG.", "SG." + MIXED, "-----BEGIN ", "-----BEGIN A PRIVATE KEY-----", "PRIVATE KEY-----"),
    *("-----END PRIVATE KEY", "Bearer ", "Bearer aaaaaaaaaaaaaaaa", "lsv2_pt_", "@", "a@", "@a."),
    *("a@a.a.", "a.", "+", "+1", "+1 ", "4111 ", "4111", "1-", "078-05-", "DE89", "DE89 ", "é@é."),
    *("A0", "0", " "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_only(piece: str) -> None:
    """Eight times the text takes no more than some eight times as long: nothing is quadratic."""
    subject = redactor("secrets", "pii")
    tail = "@ +1 JQQJ9 .eyJ -BEGIN k_ sk-" + MIXED  # every literal is there: no rule is skipped

    def cost(length: int) -> float:
        text = piece * (length // len(piece)) + tail
        best = 60.0
        for _ in range(2):
            start = time.perf_counter()
            subject.text(text)
            best = min(best, time.perf_counter() - start)
        return best

    small = cost(20_000)
    assert cost(160_000) < 30 * small + 0.02
