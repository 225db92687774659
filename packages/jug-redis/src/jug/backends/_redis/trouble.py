"""What an error of redis-py, or an answer of the server, means for somebody who runs jug."""

from __future__ import annotations

import socket
import ssl
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from redis import exceptions as answers

from jug.backends._redis.url import Address
from jug.errors import OptionError

_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

REFUSED: Final = (answers.AuthenticationError, answers.AuthorizationError)


def is_refused(error: Exception) -> bool:
    """Return whether one side will not have the other, by its login or its certificate."""
    return isinstance(error, REFUSED) or _has_wrong_certificate(error)


def _has_wrong_certificate(error: Exception) -> bool:
    return isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError)


def doubt(address: Address, error: Exception) -> str:
    """Return what else may be wrong with an address, for a sentence: nothing, or its scheme.

    A server that waits for TLS hangs up on who begins without it; one that does not waits
    for the end of a line, or finds that it is none.
    """
    cause = error.__cause__ or error.__context__
    scheme = address.plain.partition(":")[0]
    hangs_up = isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError)
    if scheme == "redis" and (hangs_up or "closed by server" in str(error)):
        return " (or does the server use TLS? then it begins with rediss:)"
    if scheme == "rediss" and isinstance(cause, ssl.SSLError | TimeoutError):
        return " (or does the server not use TLS? then it begins with redis:)"
    return ""


def check_files(address: Address) -> None:
    """Raise `OptionError` if a file that the URL names for TLS can't be read."""
    for name, path in parse_qsl(urlsplit(address.plain).query):
        if name in _FILES:
            try:
                open(path, "rb").close()
            except OSError as error:
                raise OptionError(
                    f"the URL {address.shown} names {path!r} for {name}, which can't be read "
                    f"({error.strerror}): correct it",
                    url=address.shown,
                ) from None


def inline(error: Exception) -> str:
    """Return the error in one short line."""
    # Where no sentinel answers, redis-py adds all that it knows of each.
    return str(error).partition(" : <")[0].rstrip(".") or type(error).__name__


def is_read_only(error: Exception) -> bool:
    """Return whether the server is a replica that takes no writes."""
    return isinstance(error, answers.ReadOnlyError) or "READONLY " in str(error)


def is_unknown_host(error: Exception) -> bool:
    """Return whether there is no host of that name, as far as names can be looked up now."""
    cause = error.__cause__ or error.__context__
    return isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN


def advice(error: Exception, said: str) -> str:
    """Return what to do about an answer.  Redis 6 wraps what went wrong inside a script."""
    if isinstance(error, (*REFUSED, answers.AuthenticationWrongNumberOfArgsError)):
        return "check the user and the password in its URL"
    if _has_wrong_certificate(error):
        return "its certificate is not trusted, name its authority by ?ssl_ca_certs=FILE"
    if isinstance(error, answers.NoPermissionError) or "NOPERM" in said:
        return "give its user the rights that jug needs, on all keys that begin with jug:"
    if isinstance(error, answers.OutOfMemoryError) or "OOM " in said:
        return "nothing was saved; raise its maxmemory, or remove results with cleanup"
    if is_read_only(error):
        return "it is a read-only replica, give the URL of its primary or of the sentinels"
    if isinstance(error, answers.InvalidResponse):
        return "that is not a redis server, check host and port"
    if "MISCONF" in said:
        return "it can't write to its disk, make room there"
    if "unknown command" in said.lower():
        return "redis 6.2 or later is needed"
    return "see its log"
