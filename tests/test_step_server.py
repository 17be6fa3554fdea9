"""The server of step()'s page: it answers this machine's browser at an address nobody can guess, and nobody else."""

from __future__ import annotations

import http.client
import json
import math
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import glassgrad as gg
from glassgrad.glass.stepping import server as room
from glassgrad.glass.stepping.cursor import Cursor
from glassgrad.glass.stepping.server import Server, serve


def product() -> Cursor:
    gg.manual_seed(0)
    x, w = gg.randn(4, 5), gg.randn(5, 6, requires_grad=True)
    y = x @ w
    return gg.step(y.tanh().sum())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server(product())
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server: Server, path: str = "", method: str = "GET", token: str | None = None, **headers: str) -> Any:
    """Status and body; path: behind the token. A header of "" is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    sent = {"Host": server.host} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, f"/{server.token if token is None else token}/{path}", skip_host=True)
    for name, value in sent.items():
        if value:
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_page_and_its_headers(server: Server) -> None:
    answer, body = ask(server)
    assert answer.status == 200 and body == server.page and b"connect-src 'self'" in body
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    answer, body = ask(server, method="HEAD")
    assert answer.status == 200 and body == b"" and int(answer.headers["Content-Length"]) == len(server.page)
    assert server.server_address[0] == "127.0.0.1", "this machine alone"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Host": "localhost:1"}, {"Host": "127.0.0.1"}, {"Host": ""},
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
    ],
)  # fmt: skip
def test_other_hosts_and_origins_are_refused(server: Server, headers: dict[str, str]) -> None:
    for path in ("", "array?vertex=0&what=value"):
        answer, body = ask(server, path, **headers)
        assert (answer.status, body) == (403, b"forbidden\n")


def test_its_own_origin_is_not(server: Server) -> None:
    assert ask(server, Origin=f"http://{server.host}", Sec_Fetch_Site="same-origin")[0].status == 200


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 32])
def test_wrong_tokens(server: Server, token: str) -> None:
    answer, body = ask(server, token=token.encode().decode("latin-1") if token.isascii() else "%C3%A9")
    assert (answer.status, body) == (403, b"forbidden\n")


def test_every_server_has_a_token_of_its_own() -> None:
    a, b = Server(product()), Server(product())
    assert a.token != b.token and len(a.token) >= 32
    a.server_close()
    b.server_close()


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc/passwd", "page.js", "array/", "entry%3F", "//"])
def test_nothing_else_is_there(server: Server, path: str) -> None:
    assert ask(server, path)[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(server: Server, method: str) -> None:
    answer, body = ask(server, method=method)
    assert (answer.status, body) == (405, b"")
    assert answer.headers["Connection"] == "close" and "Access-Control-Allow-Origin" not in answer.headers


def test_words_that_are_no_method(server: Server) -> None:
    assert ask(server, method="BREW")[0].status == 501
    with socket.create_connection(server.server_address, timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        assert b"<script" not in raw.recv(2000)


def test_a_huge_query(server: Server) -> None:
    assert ask(server, "array?" + "a=1&" * 600)[0].status == 414
    assert ask(server, "array?" + "a=1&" * 100)[0].status == 400
    assert ask(server, "x" * 70_000)[0].status == 414
    assert ask(server)[0].status == 200, "still there"


def vertex(server: Server, name: str) -> int:
    return next(k for k, v in enumerate(server.graph.vertices) if v.name == name)


def test_entries_are_those_of_the_cursor(server: Server) -> None:
    y = vertex(server, "y")
    v = server.graph.vertices[y]
    edge = next(k for k, e in enumerate(v.edges) if e.vertex.name == "w")
    answer, body = ask(server, f"array?vertex={y}&what=flow&edge={edge}")
    found = json.loads(body)
    assert answer.status == 200 and found["shape"] == [5, 6]
    assert found["entries"] == [float(e) for e in v.edges[edge].flow.reshape(-1)]
    terms = json.loads(ask(server, f"entry?vertex={y}&edge={edge}&index=2,3")[1])
    assert len(terms) == 4 and math.isclose(sum(g * d for _, g, d in terms), found["entries"][2 * 6 + 3], rel_tol=1e-5)
    expected = product().goto("w").entry("w", (2, 3))
    assert terms == [[list(at), g, local] for at, g, local in expected]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("array", "vertex"), ("array?vertex=x&what=value", "invalid literal"),
        ("array?vertex=-1&what=value", "from 0 to"), ("array?vertex=9999&what=value", "from 0 to"),
        ("array?vertex=0&what=source", "what: value, gradient or flow"),
        ("entry?vertex=0&edge=0&index=0", "edge"), ("array?vertex=0&what=value&" + "a=1&" * 9, "Max number of fields"),
    ],
)  # fmt: skip
def test_wrong_questions(server: Server, path: str, said: str) -> None:
    answer, body = ask(server, path)
    assert answer.status == 400 and said in body.decode() and answer.headers["Content-Type"].startswith("text/plain")


def test_what_is_not_there_to_be_shown() -> None:
    x = gg.ones(70, 70, requires_grad=True)
    made = Server(gg.step((x * gg.tensor(float("nan"))).sum()))
    k = vertex(made, "x")
    with pytest.raises(ValueError, match="4,900 entries; at most 4,096 are shown"):
        made.array({"vertex": str(k), "what": "gradient"})
    scale = next(k for k, v in enumerate(made.graph.vertices) if v.kind == "constant")
    assert made.array({"vertex": str(scale), "what": "value"})["entries"] == ["nan"]
    made.server_close()


def test_several_at_once(server: Server) -> None:
    y = vertex(server, "y")
    edge = next(k for k, e in enumerate(server.graph.vertices[y].edges) if e.vertex.name == "w")

    def one(k: int) -> Any:
        answer, body = ask(server, f"entry?vertex={y}&edge={edge}&index={k % 5},{k % 6}")
        return answer.status, json.loads(body)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(24)))
    cursor = product().goto("w")
    for k, (status, terms) in enumerate(found):
        assert status == 200
        assert terms == [[list(at), g, local] for at, g, local in cursor.entry("w", (k % 5, k % 6))]


def test_serve_tells_where_and_ends_by_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    opened: list[str] = []
    there = threading.Event()
    monkeypatch.setattr(room.webbrowser, "open", lambda address: (opened.append(address), there.set()))

    def interrupt(self: Server, poll_interval: float) -> None:
        there.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupt)
    cursor = product().goto(2)
    serve(cursor)
    said = capsys.readouterr()
    assert said.out == "" and opened[0].startswith("http://127.0.0.1:") and opened[0] in said.err
    assert cursor.at == 2, "the caller's cursor stays where it is"


def test_the_page_asks_for_entries_and_terms(new_page: Callable[..., Any], server: Server) -> None:
    page = new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(server.address) else said.append(request.url))
    page.goto(server.address)
    page.wait_for_selector("body[data-ready]")
    for _ in range(3):
        page.keyboard.press("j")
    page.click("#step .flow button >> nth=-1")
    page.click("#array td button >> nth=15")
    page.wait_for_selector("#array [role=status] p")
    assert (
        "entry (2, 3)" in page.inner_text("#array") and page.inner_text("#array [role=status]").count("×") == 5
    )  # and the words above
    assert not said
