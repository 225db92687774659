"""Serving the live page to browsers, and to nobody but who has its URL.

Any program of this machine, and any page in its browsers, can send requests here.  So the URL
has a secret, without which nothing is said; the name that the browser looked up must be
one of this host's, or another site could have its own name lead here and read the answer; and there
is nothing that could be changed.  Files are not served at all: there is one page, and it is in
memory.

Who has no secret can still connect, and say nothing.  So there are only so many connections at
a time, each with a thread: one more, and the oldest is given up.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs

from jug.errors import OptionError
from jug.report.live import LivePage, Unavailable
from jug.report.page import policy

__all__ = ["serving"]

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ALL_ADDRESSES: Final = ("0.0.0.0", "::", "")
_PATIENCE: Final = 30.0
"""Seconds in which a browser must say what it wants."""
_MOST: Final = 64
"""Connections at a time."""


@contextmanager
def serving(live: LivePage, host: str, port: int) -> Iterator[str]:
    """Serve a page until the block ends; yield its URL.

    Raises `OptionError` if the address can't be had.
    """
    token = token_urlsafe(24)
    try:
        server = _Server(live, token, host, port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(
            f"port {port} of {host!r} can't be had ({reason}): "
            "give another one by --port, 0 for any that is free",
            port=port,
        ) from None
    thread = Thread(target=server.serve_forever, name="jug webstatus", daemon=True)
    thread.start()
    try:
        yield f"http://{server.name_in_url}:{server.server_port}/?token={token}"
    finally:
        live.close()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """The server, with what its answers need."""

    daemon_threads = True
    block_on_close = False  # a browser that says nothing holds nobody up
    allow_reuse_port = False  # a port that another one listens at is taken
    request_queue_size = _MOST

    def __init__(self, live: LivePage, token: str, host: str, port: int) -> None:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        self.address_family, _, _, _, address = found[0]
        self.live = live
        self.token = token.encode()
        self.host = host
        self._open: deque[socket.socket] = deque()
        self.names = self._names()
        super().__init__(address[:2], _Answer)  # type: ignore[arg-type]

    @property
    def name_in_url(self) -> str:
        """What a browser is to look up."""
        name = socket.gethostname() if self.host in _ALL_ADDRESSES else self.host
        return f"[{name}]" if ":" in name else name

    def _names(self) -> set[str]:
        """Return the names by which browsers may ask for this host."""
        own = {"localhost", "127.0.0.1", "[::1]", self.name_in_url}
        if self.host in _ALL_ADDRESSES:
            own |= {socket.gethostname(), socket.getfqdn()}
        return {name.lower() for name in own}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; of too many connections the oldest is given up."""
        self._open.append(request)
        with suppress(IndexError, OSError):  # some have just ended by themselves
            while len(self._open) > _MOST:
                self._open.popleft().shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with suppress(ValueError):  # it was given up
            self._open.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""


class _Answer(BaseHTTPRequestHandler):
    """The answer to one request."""

    server: _Server
    server_version = "jug"
    sys_version = ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answer with the page, if it may be seen."""
        refusal = self._refusal()
        if refusal is not None:
            self._send(refusal)
            return
        try:
            self._send(HTTPStatus.OK, self.server.live.get(), "text/html")
        except Unavailable as trouble:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, f"{trouble}\n".encode("utf-8", "replace"))

    do_HEAD = do_GET

    def _refuse_method(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse_method

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request that is known, in no more words than any other."""
        self._send(HTTPStatus(code))

    def _refusal(self) -> HTTPStatus | None:
        """Return why the page may not be seen, None if it may."""
        given = parse_qs(self.path.partition("?")[2]).get("token", [""])
        is_known = compare_digest(given[0].encode("utf-8", "replace"), self.server.token)
        if not (self._is_for_this_host() and is_known and len(given) == 1):
            return HTTPStatus.FORBIDDEN
        return None if self.path.startswith("/?") else HTTPStatus.NOT_FOUND

    def _is_for_this_host(self) -> bool:
        """Return whether the browser looked up a name of this host, by any port (of a tunnel)."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1:
            return False
        name = hosts[0].strip().lower()
        before, colon, port = name.rpartition(":")
        if colon and port.isdecimal():
            name = before
        return name in self.server.names or name == self._own_address()

    def _own_address(self) -> str:
        """Return the address at which the browser has reached this host."""
        address = str(self.connection.getsockname()[0])
        return f"[{address}]" if ":" in address else address

    def _send(
        self, status: HTTPStatus, content: bytes = b"", kind: str = "text/plain", **headers: str
    ) -> None:
        body = content or f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        known = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        secured = {"Content-Security-Policy": policy(is_live=True), **_HEADERS}
        for name, value in (known | secured | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the token would stand in the log."""
