"""The page of a cursor served to this machine's browser, with what a file cannot hold: exact entries of large tensors.

Whoever else can reach a port of this machine must not read the program's numbers. So the server listens on the
loopback interface alone, every address holds a random token, the Host header must be the one that it was opened with
(a name that was bound anew to 127.0.0.1 is not), and a request that another page sends is refused by its Origin.
"""

from __future__ import annotations

import hmac
import json
import math
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..summary import on_host
from ..words import text_of
from .cursor import MOST, Cursor
from .page import page

LONGEST = 2000  # characters of an address
WAIT = 20.0  # seconds for a request to come in
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def serve(cursor: Cursor, port: int = 0, open_browser: bool = True) -> None:
    """Serve the page until Ctrl-C; its address is told on standard error.

    port: 0 takes any that is free. Raises OSError where the port is taken.
    """
    server = Server(cursor, port)
    print(f"glassgrad step: {server.address}  (Ctrl-C ends)", file=sys.stderr, flush=True)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        server.server_close()


class Server(ThreadingHTTPServer):
    """A cursor's page under an address that nobody can guess."""

    daemon_threads = True

    def __init__(self, cursor: Cursor, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.graph = cursor.graph
        self.cursor = Cursor(cursor.graph)  # the caller's stays where it is
        self.lock = threading.Lock()
        self.page = page(cursor, live=True).encode()
        self.token = secrets.token_urlsafe(24)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.address = f"{self.origin}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def array(self, fields: dict[str, str]) -> Any:
        """The entries of a vertex's value or gradient, or of what it hands on along its edge."""
        v = self.graph.vertices[_index(fields, "vertex", len(self.graph.vertices))]
        what = fields.get("what")
        if what not in ("value", "gradient", "flow"):
            raise ValueError("what: value, gradient or flow")
        x = on_host(v.edges[_index(fields, "edge", len(v.edges))].flow if what == "flow" else getattr(v, what))
        if x is None or x.dtype.kind == "c":
            raise ValueError("these are no real numbers")
        if x.size > MOST:
            raise ValueError(f"{x.size:,} entries; at most {MOST:,} are shown")
        return {"shape": list(x.shape), "entries": [_plain(float(e)) for e in x.reshape(-1)]}

    def entry(self, fields: dict[str, str]) -> Any:
        """The terms of one entry of what a vertex hands on."""
        v = self.graph.vertices[_index(fields, "vertex", len(self.graph.vertices))]
        to = v.edges[_index(fields, "edge", len(v.edges))].vertex
        index = tuple(int(part) for part in fields.get("index", "").split(",") if part)
        with self.lock:
            terms = self.cursor.goto(self.cursor.order.index(v) + 1).entry(text_of(to), index)
        return [[list(at), _plain(g), _plain(local)] for at, g, local in terms]


def _index(fields: dict[str, str], key: str, most: int) -> int:
    k = int(fields[key])
    if not 0 <= k < most:
        raise ValueError(f"{key}: from 0 to {most - 1}")
    return k


def _plain(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


class Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "glassgrad"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = WAIT

    ANSWERS: dict[str, Callable[[Server, dict[str, str]], Any]] = {"array": Server.array, "entry": Server.entry}

    def do_GET(self) -> None:
        status, kind, body = self.answer()
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Nothing is ever sent here."""
        self.close_connection = True  # whatever follows is not read
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST

    def answer(self) -> tuple[HTTPStatus, str, bytes]:
        """Status, type and body for whatever is asked; nothing is said to whoever has no business here."""
        refused = HTTPStatus.FORBIDDEN, "text/plain", b"forbidden\n"
        origin = self.headers.get("Origin")
        if self.headers.get_all("Host") != [self.server.host] or origin not in (None, self.server.origin):
            return refused
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return refused
        if len(self.path) > LONGEST:
            return HTTPStatus.REQUEST_URI_TOO_LONG, "text/plain", b"too long\n"
        url = urlsplit(self.path)
        token = url.path.lstrip("/").partition("/")[0]
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode()):
            return refused
        if url.path == f"/{token}/":
            return HTTPStatus.OK, "text/html", self.server.page
        make = self.ANSWERS.get(url.path.removeprefix(f"/{token}/"))
        if make is None:
            return HTTPStatus.NOT_FOUND, "text/plain", b"not found\n"
        try:
            fields = {key: values[-1] for key, values in parse_qs(url.query, max_num_fields=8).items()}
            return HTTPStatus.OK, "application/json", json.dumps(make(self.server, fields)).encode()
        except (ValueError, KeyError, IndexError, RuntimeError) as problem:
            said = problem.args[0] if problem.args else problem
            return HTTPStatus.BAD_REQUEST, "text/plain", f"{said}\n".encode()

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses hold the token: nothing is written."""
