"""One connection to one server, and commands as they are sent over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from jug.backends.base import Buffer

_LARGE: Final = 1 << 16  # bytes from which a word is sent by itself


class Connection:
    """One connection to one server, for as long as it is used.

    redis-py's client takes a connection from a pool for each command, and gives
    it back, and packs its words at leisure; for a short task that takes longer
    than all else that is done here.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._connection = client.connection_pool.get_connection()

    def execute_command(self, *words: Any) -> Any:
        """Send a command and return the answer; a connection that broke is made anew.

        So is one in which an answer may be left, as a signal came between: whoever asks next
        would take it for his own.
        """
        try:
            self.send(*words)
            return self.receive()
        except ResponseError:  # which is the answer
            raise
        except BaseException:
            self._connection.disconnect()
            raise

    def send(self, *words: Any) -> None:
        """Send a command, whose answer is to be received in its turn."""
        self._connection.send_packed_command(framed(words), check_health=False)

    def receive(self) -> Any:
        """Return the next answer."""
        return self._connection.read_response()

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()
        self._client.close()


def framed(words: Sequence[Any]) -> list[Buffer]:
    """Return a command as it is sent, copying nothing large.

    >>> framed(("HGET", b"key", 7))
    [b'*3\\r\\n$4\\r\\nHGET\\r\\n$3\\r\\nkey\\r\\n$1\\r\\n7\\r\\n']
    """
    pieces: list[Buffer] = []
    short: list[Buffer] = [b"*%d" % len(words)]
    for word in words:
        if isinstance(word, str):
            word = word.encode()
        elif isinstance(word, int):
            word = b"%d" % word
        if len(word) <= _LARGE:
            short.append(b"\r\n$%d\r\n%b" % (len(word), word))
        else:
            pieces += (b"%b\r\n$%d\r\n" % (b"".join(short), len(word)), word)
            short = []
    short.append(b"\r\n")
    return [*pieces, b"".join(short)]
