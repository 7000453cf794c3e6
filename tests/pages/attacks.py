"""What a hostile model, tool, page or user would write to take a page over, and where."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from threadline.model import BlobPart, Conversation

ATTACKS: Final[dict[str, str]] = {
    "script": "<script>document.title='owned'</script>",
    "script in title and style": "</title></style><script>document.title='owned'</script>",
    "handler": "<img src=x onerror=\"document.title='owned'\">",
    "handler in an attribute": (
        "\" onmouseover=\"document.title='owned'\" x=\"' autofocus onfocus='"
    ),
    "svg": "<svg onload=\"document.title='owned'\"><animate onbegin=alert(1)></svg>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "frame": "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
    "base and meta": '<base href="https://evil.example/"><meta http-equiv=refresh content="0;x">',
    "form": '<form action="https://evil.example"><input name=q><button>OK</button></form>',
    "css": "<style>*{background:url(https://evil.example/x)}</style><p style='position:fixed'>",
    "link element": '<link rel=stylesheet href="https://evil.example/x.css">',
    "template": '<template><script>1</script></template><noscript><p title="</noscript><img>">',
    "comment": "<!--><img src=x onerror=alert(1)>--><![CDATA[<img src=x>]]><?php x ?>",
    "details": "<details open ontoggle=\"document.title='owned'\"><summary>x",
    "class": '<div class="turn error status">Turn 9</div>',
    "markdown link": "[click](javascript:document.title='owned') [b](JaVaScRiPt&colon;alert(1))",
    "markdown data link": "[x](data:text/html;base64,PHNjcmlwdD4=) [y](vbscript:x) [z](file:///x)",
    "markdown control link": (
        "[x](java\tscript:alert(1)) [y](\x01javascript:alert(1)) [z](//evil.example)"
    ),
    "markdown autolink": "<javascript:alert(1)> <data:text/html,x> <https://fine.example>",
    "markdown quoted link": (
        '[x](https://a.example/"onmouseover="alert(1)) [y](https://a.example "t\\" onx=1")'
    ),
    "markdown picture": "![x](https://evil.example/beacon.png) ![y](javascript:alert(1))",
    "markdown picture data": "![x](data:image/svg+xml;base64,PHN2Zz4=) ![](http://169.254.1.1/)",
    "markdown reference": "[x][r] ![y][r]\n\n[r]: javascript:alert(1)\n[r]: https://evil.example",
    "markdown html block": "\n\n<div onclick=alert(1)>\n\n*x*\n\n</div>\n\n<script>\n\nx\n",
    "markdown fence": '```"><script>alert(1)</script>\n</code></pre><script>x\n```',
    "markdown table": "|a|b|\n|-|-|\n|<b onclick=x>|![p](https://evil.example/p)|",
    "entities": (
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x&#62; &#x202e;live &#0;&#x1b;[2J"
    ),
    "bidirectional": "\u202eevil\u202c \u2066iso\u2069 \u200f\u061c a\u200bb\ufeffc \u2028\u2029",
    "terminal": (
        "\x1b]8;;https://evil.example/\x1b\\x\x1b]8;;\x1b\\ \x1b[2J \x9b31m \x00 \x07 \x7f\x0c"
    ),
    "surrogates": "\ud800 \udfff\ud83d x \U000e0041\U000e0042",
    "deep markdown": "> " * 300 + "[" * 300 + "x" + "](" * 300 + "*_" * 300,
    "deep lists": "\n".join("  " * depth + "- x" for depth in range(300)),
    "unclosed": "`" * 999 + "<" * 999 + "**[" * 999 + "&" * 999 + "![" * 999,
    "huge": "<b>" * 20_100,
}


def attacked(value: Any, attack: str) -> Any:
    """Return a copy of a record with every text in it that an application can choose replaced.

    Texts that name something of ours (a kind, a status) cannot be chosen and stay; ids are kept
    different from one another by what they were.
    """
    if isinstance(value, msgspec.Struct):
        return _attacked_record(value, attack)
    if isinstance(value, dict):
        return {f"{key}{attack}": attacked(item, attack) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(attacked(item, attack) for item in value)
    return attack if type(value) is str else value


def _attacked_record(record: msgspec.Struct, attack: str) -> msgspec.Struct:
    changed: dict[str, Any] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name in {"kind", "status", "outcome", "id_source", "thread_id", "turn_id", "superseded"}:
            continue
        if name == "role":
            continue
        if isinstance(value, str) and (name == "id" or name.endswith("_id")):
            changed[name] = f"{value}{attack}"
        elif name == "span_ids":
            changed[name] = tuple(f"{one}{attack}" for one in value)
        else:
            changed[name] = attacked(value, attack)
    if isinstance(record, BlobPart):
        changed["content"] = attack.encode(errors="replace")
    if isinstance(record, Conversation):
        changed["thread_id"] = f"{record.thread_id}{attack}"
    return msgspec.structs.replace(record, **changed)
