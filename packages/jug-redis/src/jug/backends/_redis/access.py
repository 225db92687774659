"""The way to the server, which is connected to when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jug.backends._redis.url import Address

if TYPE_CHECKING:
    from jug.backends._redis.server import Server


class Access:
    """One store object's connection to the server of an address."""

    def __init__(self, address: Address, patience: float) -> None:
        self.address = address
        self._patience = patience
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The server; it is connected to with its first command."""
        if self._server is None:
            from jug.backends._redis.server import Server  # slow to come, with redis-py

            self._server = Server(self.address, self._patience)
        return self._server

    def is_in_use(self) -> bool:
        """Return whether the server was asked for since the beginning or the last `close`."""
        return self._server is not None

    def close(self) -> None:
        """Let go of the connection; the next command makes a new one."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def forget(self) -> None:
        """Leave the connection to the parent of this process."""
        if self._server is not None:
            self._server.forget()
            self._server = None
