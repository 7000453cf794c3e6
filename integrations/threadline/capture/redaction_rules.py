"""What the named rules `secrets` and `pii` match, and the cheap tests in front of them.

Every expression takes time linear in its text: what may run on is possessive or bounded, and what
is not bounded is tried once in a run of characters only.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Family(NamedTuple):
    """The rules behind one name of the setting `redact`.

    `might_match` takes UTF-8, alone or inside msgpack, and is false only where `replace` would
    change nothing. It must not look at what stands before a string: in msgpack that is its length.
    """

    might_match: Callable[[bytes], bool]
    replace: Callable[[str], str]


class _Secret(NamedTuple):
    """One kind of key: `literal` is in all of them; a group in the pattern is kept.

    The rest of the run that a match ends in always goes with it: a longer key than is known goes
    whole, and no other key can lose only its beginning to a match.
    """

    name: str
    literal: str
    pattern: str


_RUN: Final = "[A-Za-z0-9_-]"


def marker(name: str) -> str:
    """Return what stands in a text where the rule `name` matched."""
    return f"[redacted:{name}]"


def _word(prefix: str) -> str:
    r"""Match `prefix` where a word begins: in `key=sk-` but not in `task-`.

    After an escape (`\n`, `\u0022`, `%3D`, a terminal colour) a word begins as well. The prefix
    comes first so that the search jumps from one to the next.
    """
    return (
        rf"{prefix}(?:(?<![A-Za-z0-9]{prefix})|(?<=\\[bfnrt]{prefix})|(?<=[0-9\[]m{prefix})"
        rf"|(?<=\\u[0-9A-Fa-f]{{4}}{prefix})|(?<=%[0-9A-Fa-f]{{2}}{prefix}))"
    )


_PEM_NAME: Final = r"(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"

# Prefixes that are made to be found, followed by as much as the real ones have; `sk-` alone needs
# more care. Those of several parts come first, so that no other rule takes one of their parts.
_SECRETS: Final = (
    _Secret(
        "private-key",
        "PRIVATE KEY",
        rf"-----BEGIN {_PEM_NAME}[\s\S]*?(?:-----END {_PEM_NAME}|\Z)",  # a cut one: all the rest
    ),
    _Secret(
        "jwt",
        ".eyJ",
        rf"(?<!{_RUN})(?>({_RUN}*?)eyJ){_RUN}{{8,}}+\.eyJ{_RUN}{{8,}}+(?:\.{_RUN}*+)?",
    ),
    _Secret("azure-storage-key", "AccountKey=", r"(AccountKey=)[A-Za-z0-9+/_-]{80,}+={0,2}"),
    _Secret(
        "azure-key",
        "JQQJ9",
        r"(?<![A-Za-z0-9])[A-Za-z0-9]{52,60}?JQQJ9[A-Za-z0-9]{27,}+(?:==)?",
    ),
    _Secret("sendgrid-key", "SG.", rf"SG\.{_RUN}{{16,}}+\.{_RUN}{{16,}}+"),
    _Secret("anthropic-key", "sk-ant-", _word("sk-") + rf"ant-{_RUN}{{20,}}+"),
    _Secret("langfuse-key", "sk-lf-", _word("sk-") + r"lf-[0-9a-f-]{36}"),
    _Secret("openai-key", "sk-", _word("sk-") + rf"(?:proj|svcacct)-{_RUN}{{20,}}+"),
    _Secret(
        "openai-key",
        "sk-admin-",
        _word("sk-") + rf"admin-(?=[a-z_-]{{0,99}}+[A-Z0-9]){_RUN}{{20,}}+",
    ),
    _Secret(
        "openai-key",
        "sk-",
        _word("sk-") + r"(?=[a-z]{0,99}+[A-Z0-9])[A-Za-z0-9]{20,}+",
    ),
    _Secret(  # of the many services that took over the prefix: `sk-or-v1-…`
        "api-key", "sk-", _word("sk-") + r"(?:[a-z0-9]{1,12}-){1,3}[A-Za-z0-9]{20,}+"
    ),
    _Secret("aws-access-key", "AKIA", r"AKIA[A-Z0-9]{16}"),
    _Secret("aws-access-key", "ASIA", _word("ASIA") + r"[A-Z0-9]{16}"),
    _Secret("github-token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,}+"),
    _Secret("github-token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{20,}+"),
    _Secret(
        "gitlab-token",
        "glpat-",
        rf"glpat-{_RUN}{{20,}}+(?:(?:\.[0-9a-z]{{2}})?\.[0-9a-z]{{9}})?",
    ),
    _Secret("slack-token", "xox", r"xox(?:[abceprs]|o(?=-[0-9]))-[A-Za-z0-9-]{20,}+"),
    _Secret("slack-token", "xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{20,}+"),
    _Secret("google-api-key", "AIza", rf"AIza{_RUN}{{35,}}+"),
    _Secret("google-client-secret", "GOCSPX-", rf"GOCSPX-{_RUN}{{20,}}+"),
    _Secret("stripe-key", "k_", _word("[rs]k_(?:live|test)_") + r"[A-Za-z0-9]{16,}+"),
    _Secret("huggingface-token", "hf_", r"hf_[A-Za-z0-9]{30,}+"),
    _Secret("npm-token", "npm_", r"npm_[A-Za-z0-9]{36,}+"),
    _Secret("pypi-token", "pypi-AgE", rf"pypi-AgE{_RUN}{{40,}}+"),
    _Secret("langsmith-key", "lsv2_", r"lsv2_[a-z]{2}_[A-Za-z0-9]{20,}+(?:_[A-Za-z0-9]{4,}+)?"),
    _Secret("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{40,}+"),
    _Secret("xai-key", "xai-", r"xai-[A-Za-z0-9]{60,}+"),
    _Secret("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{40,}+"),
    _Secret("tavily-key", "tvly-", rf"tvly-{_RUN}{{20,}}+"),
    _Secret("nvidia-key", "nvapi-", rf"nvapi-{_RUN}{{40,}}+"),
    _Secret("pinecone-key", "pcsk_", r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{40,}+"),
    _Secret(  # a digit, so that "Bearer authentication-…" stays
        "bearer-token",
        "Bearer ",
        r"(Bearer {1,4})(?=[A-Za-z._~+/=-]{0,200}+[0-9])[A-Za-z0-9._~+/-]{16,}+={0,2}",
    ),
)

# One search costs about as much as reading the bytes once, so two dozen prefixes would cost two
# dozen readings. Instead one search goes from `-` to `-` and one from `_` to `_`, and tells the
# prefixes apart looking back, where a long run follows. The byte in front of each search is one
# without which it need not start. What stands before a string in msgpack is its length, which may
# look like a letter: so nothing here asks where a word begins.
_DASH_PROBE: Final = (
    rb"-(?:(?<=[Xikptxy-]-)(?:BEGIN |[A-Za-z0-9_-]{16}(?:(?<=sk-.{16})|(?<=glpat-.{16})"
    rb"|(?<=xapp-.{16})|(?<=GOCSPX-.{16})|(?<=pypi-.{16})|(?<=xai-.{16})|(?<=pplx-.{16})"
    rb"|(?<=tvly-.{16})|(?<=nvapi-.{16})))|(?<=xox[a-z]-))"
)
_UNDERSCORE_PROBE: Final = (
    rb"_[A-Za-z0-9]{16}(?:(?<=gh[oprsu]_.{16})|(?<=_pat_.{16})|(?<=k_live_.{16})"
    rb"|(?<=k_test_.{16})|(?<=hf_.{16})|(?<=npm_.{16})|(?<=lsv2_[a-z]{2}_.{16})"
    rb"|(?<=gsk_.{16})|(?<=pcsk_.{5}_.{16})|(?<=pcsk_.{6}_.{16}))"
)
_SECRET_PROBES: Final = (
    (b"-", _DASH_PROBE),
    (b"_", _UNDERSCORE_PROBE),
    (b"A", rb"A(?:[KS]IA[A-Z0-9]{16}|Iza[A-Za-z0-9_-]{35}|ccountKey=)"),
    (b"B", rb"Bearer  {0,3}[A-Za-z0-9._~+/-]{16}"),
    (b"J", rb"J(?:(?<=\.eyJ)|QQJ9)"),
    (b"G", rb"G(?<=SG)\.[A-Za-z0-9_-]{16}"),
)


@cache
def secrets() -> Family:
    """Return the family `secrets`: keys and tokens with a known prefix, and nothing else."""
    rules = [
        (s.literal, pattern, (r"\1" if pattern.groups else "") + marker(s.name))
        for s in _SECRETS
        for pattern in [re.compile(f"{s.pattern}{_RUN}*+")]
    ]

    def replace(text: str) -> str:
        for literal, pattern, replacement in rules:
            if literal in text:
                text = pattern.sub(replacement, text)
        return text

    return Family(_any_probe(_SECRET_PROBES), replace)


@cache
def pii() -> Family:
    """Return the family `pii`: e-mail addresses, cards, IBANs, US SSNs, international numbers."""
    probe = _any_probe(_PII_PROBES)
    shapes = re.compile(_NUMBER_SHAPES).search
    rewrites = (_emails(), _ibans(), _cards(), _plain("ssn", _SSN), _plain("phone", _PHONE))

    def might_match(encoded: bytes) -> bool:
        return probe(encoded) or shapes(encoded.translate(_SHAPE)) is not None

    def replace(text: str) -> str:
        for rewrite in rewrites:
            text = rewrite(text)
        return text

    return Family(might_match, replace)


def _any_probe(probes: Iterable[tuple[bytes, bytes]]) -> Callable[[bytes], bool]:
    compiled = [(anchor, re.compile(pattern, re.DOTALL).search) for anchor, pattern in probes]

    def might_match(encoded: bytes) -> bool:
        find = encoded.find
        for anchor, search in compiled:
            at = find(anchor)
            if at >= 0 and search(encoded, at) is not None:
                return True
        return False

    return might_match


_PII_PROBES: Final = (
    (b"@", rb"@[0-9A-Za-z_\x80-\xff-]++\."),
    (b"+", rb"\+[1-9][0-9 ()./-]{7}"),
)
# Digits become 0 and capitals A: then one search for shapes does for all that is made of numbers.
_SHAPE: Final = bytes.maketrans(b"123456789BCDEFGHIJKLMNOPQRSTUVWXYZ", b"0" * 9 + b"A" * 25)
_NUMBER_SHAPES: Final = (
    rb"0(?:00-00-0000|000(?:0{9}|[ -]0000[ -]0000|[ -]000000[ -]0000)|(?<=AA0)0 ?[A0] ?[A0] ?[A0])"
)

_SSN: Final = r"(?<![0-9])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9])"
_PHONE: Final = (
    r"\+(?:(?<![0-9A-Za-z+]\+)|(?<=\\[nrt]\+))[1-9](?:[ ()./-]{0,2}[0-9]){7,14}(?![0-9])"
)
_CARD_START: Final = (
    r"(?<![0-9])(?<![0-9]\.)[2-6](?=[0-9]{3}[0-9 -][0-9]{4})"  # 0.4111… is a fraction
)
_CARD_FORMS: Final = (
    r"[0-9]{13,19}(?![0-9])",
    r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}(?![0-9])",
    r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?![0-9])",
    r"[0-9]{4}([ -])[0-9]{6}\1[0-9]{4,5}(?![0-9])",
)
_CARD_BRANDS: Final = (
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|3[068][0-9]{12}"
    r"|35[0-9]{14}|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}(?:[0-9]{3})?|62[0-9]{14,17}"
    r"|(?:5[0678]|6[37])[0-9]{14,17}"
)
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")  # 2 * 7 = 14, and 1 + 4 = 5
_IBAN_START: Final = r"(?<![A-Za-z0-9])[A-Z]{2}(?=[0-9]{2} ?[A-Z0-9])"
# Length by country, from the registry of SWIFT.
_IBAN_LENGTHS: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)


def _plain(name: str, pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(marker(name), text)


def _emails() -> Callable[[str], str]:
    """Look from each `@` to both sides: a search from the left would be quadratic."""
    domain = re.compile(
        r"@(?:[\w-]{1,63}+\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})", re.IGNORECASE
    )
    local = re.compile(r"[\w.%+&-]{1,64}")

    def spans(text: str) -> Iterable[tuple[int, int]]:
        done = 0
        for found in domain.finditer(text):
            before = local.match(text[max(done, found.start() - 64) : found.start()][::-1])
            if before:
                done = found.end()
                yield found.start() - before.end(), done

    return lambda text: _cover(text, spans(text), "email") if "@" in text else text


def _cards() -> Callable[[str], str]:
    starts = re.compile(_CARD_START)
    forms = [re.compile(form) for form in _CARD_FORMS]
    brands = re.compile(_CARD_BRANDS)

    def spans(text: str) -> Iterable[tuple[int, int]]:
        for start in starts.finditer(text):
            for form in forms:
                found = form.match(text, start.start())
                digits = found[0].replace(" ", "").replace("-", "") if found else ""
                if found and brands.fullmatch(digits) and _luhn(digits):
                    yield found.span()
                    break

    return lambda text: _cover(text, spans(text), "card")


def _ibans() -> Callable[[str], str]:
    starts = re.compile(_IBAN_START)
    forms = {
        entry[:2]: rf"(?: ?[A-Z0-9]){{{entry[2:]}}}(?![A-Za-z0-9])"
        for entry in _IBAN_LENGTHS.split()
    }

    def spans(text: str) -> Iterable[tuple[int, int]]:
        for start in starts.finditer(text):
            form = forms.get(start[0])
            found = re.compile(form).match(text, start.start()) if form else None
            if found and _mod97(found[0].replace(" ", "")):
                yield found.span()

    return lambda text: _cover(text, spans(text), "iban")


def _cover(text: str, spans: Iterable[tuple[int, int]], name: str) -> str:
    """Put the marker over each span; spans come in order, one inside the last is passed over."""
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            pieces += (text[done:start], marker(name))
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _luhn(digits: str) -> bool:
    raw = digits.encode()
    total = sum(raw[-1::-2]) + sum(raw.translate(_DOUBLED)[-2::-2])
    return (total - len(raw) * ord("0")) % 10 == 0


def _mod97(iban: str) -> bool:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1
