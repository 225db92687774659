"""What an error of redis-py, or an answer of the server, means for somebody who runs jug."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from redis import exceptions as answers

REFUSED: Final = (answers.AuthenticationError, answers.AuthorizationError)


def is_refused(error: Exception) -> bool:
    """Return whether one side will not have the other, by its login or its certificate."""
    return isinstance(error, REFUSED) or _has_wrong_certificate(error)


def _has_wrong_certificate(error: Exception) -> bool:
    return isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError)


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
