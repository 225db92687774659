"""What jug 2.x left in a redis server, read: `result:HASH` and `lock:HASH`, without a prefix."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from urllib.parse import urlsplit

from jug.adopt.contents import HASH_LENGTH, Unreadable
from jug.errors import DistributionMissing, OptionError, StoreError

_BATCH: Final = 1000  # keys that the server looks at in one go
_RESULT: Final = b"result:"
_LOCK: Final = b"lock:"


def without_secrets(url: str) -> str:
    """Return the URL without user, password and options.

    >>> without_secrets("redis://me:secret@example.org:6379/0?prefix=a")
    'redis://example.org:6379/0'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def connected(url: str, shown: str) -> Client:
    """Return a client of the server; `shown` is what errors call it."""
    try:
        import redis
    except ImportError:
        raise DistributionMissing(
            "results in redis need the client redis, which is not installed: "
            "pip install 'jug-adopt[redis]'",
            module="redis",
            distribution="jug-adopt[redis]",
        ) from None
    try:
        return Client(redis.Redis.from_url(_plain(url)), redis, shown)
    except ValueError as error:
        raise OptionError(f"{shown!r} is no URL of a redis server: {error}") from None


def _plain(url: str) -> str:
    """Return the URL without today's ``prefix=…``, and without what makes text of answers.

    >>> _plain("redis://localhost?prefix=a&socket_timeout=5&decode_responses=True")
    'redis://localhost?socket_timeout=5'
    """
    address, _, query = url.partition("?")
    without = ("prefix=", "decode_responses=")
    options = [one for one in query.split("&") if one and not one.startswith(without)]
    return f"{address}?{'&'.join(options)}" if options else address


class Client:
    """Reads keys, and writes none."""

    def __init__(self, client: Any, errors: Any, shown: str) -> None:
        self._client = client
        self._errors = errors
        """The module that has them."""
        self._shown = shown

    def results(self) -> set[bytes]:
        """Return the hashes of all results."""
        return self._hashes(_RESULT)

    def locked(self) -> list[bytes]:
        """Return the hashes of the tasks that are locked and did not fail."""
        hashes = sorted(self._hashes(_LOCK))
        return [hash for hash in hashes if self._asked(self._client.get, _LOCK + hash) == b"L"]

    def content(self, hash: bytes) -> bytes:
        """Return the bytes of a result."""
        encoded = self._asked(self._text, _RESULT + hash)
        if encoded is None:
            raise Unreadable("it was removed just now")
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise Unreadable(f"it is cut short or damaged: {error}") from None

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _hashes(self, prefix: bytes) -> set[bytes]:
        def scan() -> set[bytes]:
            keys = self._client.scan_iter(match=prefix + b"*", count=_BATCH)
            return {key.removeprefix(prefix) for key in keys}

        return {hash for hash in self._asked(scan) if len(hash) == HASH_LENGTH}

    def _text(self, key: bytes) -> Any:
        try:
            return self._client.get(key)
        except self._errors.ResponseError as error:  # it holds something else, or is not for all
            raise Unreadable(f"it can't be read: {error}") from None

    def _asked(self, ask: Any, *args: Any) -> Any:
        try:
            return ask(*args)
        except self._errors.RedisError as error:
            raise StoreError(f"the server {self._shown!r} can't be read: {error}") from error
