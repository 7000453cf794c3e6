"""Who gets in, tried with a real client over a real socket: nobody but the user's own browser."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.server.conftest import Running

PAGES = ["/", "/search?q=refund", "/conversation?id=t-1", "/turn?id=x", "/figures", "/delivery"]


def raw(viewer: Running, request: str) -> str:
    """Send bytes as they are, and return the answer's first line and headers."""
    host, _, port = viewer.host.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := connection.recv(4096)):
            answer += piece
    return answer.decode("latin-1")


@pytest.mark.parametrize("page", [*PAGES, "/events", "/nope"])
def test_without_the_token_nothing_is_told(viewer: Running, page: str) -> None:
    """Every page, the news too, asks for the cookie; what is not there is not told apart."""
    with viewer.client(entered=False) as stranger:
        answer = stranger.get(page)
    assert answer.status_code == 401
    assert "refund" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "x", "0" * 43, "é", "%00"])
def test_a_wrong_token_is_refused(viewer: Running, token: str) -> None:
    """No cookie is given for it, nor for half of the right one."""
    with viewer.client(entered=False) as stranger:
        for wrong in (token, viewer.token[:-1], viewer.token + "x", viewer.token.swapcase()):
            answer = stranger.get("/", params={"token": wrong})
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


def test_a_wrong_cookie_is_refused(viewer: Running) -> None:
    """The token itself is no cookie either: what the browser keeps does not tell it."""
    with viewer.client() as client:
        [name] = client.cookies.keys()
        right = client.cookies[name]
    assert viewer.token not in right
    with viewer.client(entered=False) as stranger:
        for wrong in ("", "x", viewer.token, right[:-1], right.upper() + "0"):
            answer = stranger.get("/", headers={"cookie": f"{name}={wrong}"})
            assert answer.status_code == 401


def test_the_token_leaves_the_address_at_once(viewer: Running) -> None:
    """It is kept in a cookie that no script reads and no other site sends; the rest stays."""
    with viewer.client(entered=False) as client:
        answer = client.get("/conversation", params={"id": "a/b&c", "token": viewer.token})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/conversation?id=a%2Fb%26c"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert viewer.token.lower() not in cookie


def test_an_address_that_names_another_host_does_not_lead_there(viewer: Running) -> None:
    """A path that begins with two slashes would be taken for a host by the browser."""
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
        request = f"GET {path}?token={viewer.token} HTTP/1.1\r\nHost: {viewer.host}\r\n\r\n"
        answer = raw(viewer, request)
        [line] = [line for line in answer.split("\r\n") if line.lower().startswith("location:")]
        assert re.match(r"location: /(evil|%5[Cc]evil)", line)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "10.0.0.1",
        "169.254.169.254",
        "[2001:db8::1]",
        "127.0.0.1:port",
        "127.0.0.1/evil",
        "127.0.0.1 evil.example",
        "0x7f.1",
        "",
    ],
)
def test_another_host_is_refused(viewer: Running, host: str) -> None:
    """A name that was made to point at this machine gets nothing, the right token or not."""
    request = f"GET /?token={viewer.token} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    answer = raw(viewer, request)
    assert answer.split(" ")[1] in {"400", "403"}
    assert "set-cookie" not in answer.lower()


@pytest.mark.parametrize("host", ["localhost:{}", "LOCALHOST:9", "127.0.0.1:1", "[::1]:{}"])
def test_forwarded_ports_are_answered(viewer: Running, host: str) -> None:
    """Behind port forwarding the port is another one; the token is asked for all the same."""
    name = host.format(viewer.host.rpartition(":")[2])
    with viewer.client(entered=False) as client:
        assert client.get("/", headers={"host": name}).status_code == 401
        entered = client.get("/", params={"token": viewer.token}, headers={"host": name})
    assert entered.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
)
def test_pages_of_other_origins_are_refused(
    viewer: Running, entered: httpx.Client, headers: dict[str, str]
) -> None:
    """With the right cookie too, which a browser should not send for them anyway."""
    assert entered.get("/", headers=headers).status_code == 403


def test_a_link_from_elsewhere_may_be_followed(entered: httpx.Client) -> None:
    """Opening a page is not reading it: the one with the link sees nothing of it."""
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    answer = entered.get("/", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/....//viewer.css",
        "/static/viewer.css%00.py",
        "/static/",
        "/static",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/conversation/../../../etc/passwd",
    ],
)
def test_paths_lead_nowhere_else(viewer: Running, entered: httpx.Client, path: str) -> None:
    """No path of a request reaches the disk."""
    cookie = "; ".join(f"{name}={value}" for name, value in entered.cookies.items())
    request = f"GET {path} HTTP/1.1\r\nHost: {viewer.host}\r\nCookie: {cookie}\r\n\r\n"
    assert raw(viewer, request).split(" ")[1] in {"404", "307"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("page", ["/", "/conversation?id=t-1"])
def test_pages_are_read_only(
    viewer: Running, entered: httpx.Client, method: str, page: str
) -> None:
    """Nothing but reading is known to them, whoever asks."""
    own = {"origin": viewer.base}
    assert entered.request(method, page, headers=own).status_code == 405
    assert entered.request(method, page).status_code == 403


@pytest.mark.parametrize("page", [*PAGES, "/nope", "/static/viewer.js"])
def test_every_answer_forbids_what_it_does_not_need(entered: httpx.Client, page: str) -> None:
    """No script but our own file, no style but our own, no frame, no other place."""
    headers = entered.get(page).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


def test_pages_hold_no_script_and_no_style_of_their_own(entered: httpx.Client) -> None:
    """All that acts is the one file."""
    for page in ("/", "/conversation?id=long", "/search?q=refund", "/figures"):
        text = entered.get(page).text
        assert text.count("<script") == 1
        assert '<script src="/static/viewer.js" defer></script>' in text
        assert "<style" not in text
        assert " style=" not in text
        assert " on" not in {part[:3] for part in text.split("<p ")}


def test_another_name_is_answered_where_it_was_told(small_store: Path, started: Any) -> None:
    """A proxy in front has a name of its own; the token stays."""
    host = {"host": "traces.example.org"}
    named = started(small_store, "--name", "Traces.Example.org")
    with named as running, running.client(entered=False) as client:
        assert client.get("/", headers=host).status_code == 401
        entered = client.get("/", params={"token": running.token}, headers=host)
        assert entered.status_code == 303
        assert client.get("/", headers={"host": "example.org"}).status_code == 403
