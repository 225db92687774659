"""Ports for servers that tests start as processes of their own."""

from __future__ import annotations

import socket
from random import SystemRandom


def free_port() -> int:
    """Return a port that nothing listens on, nor on that of a redis cluster's bus above it.

    Before a server listens there, no connection takes it: systems give those higher ones.
    """
    while True:
        port = SystemRandom().randrange(10_000, 22_000)
        if _is_free(port) and _is_free(port + 10_000):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
