"""Where a redis store is, and what of that may be shown.

    redis://[user:password@]host[:port][/db]           a server
    rediss://…                                         the same through TLS
    unix://[user:password@]/path/to/socket[?db=N]      a server on this machine
    redis+sentinel://host[:port],…/service[/db]        whichever server the sentinels name
    redis+cluster://host[:port],…                      a cluster, by some of its nodes
    rediss+sentinel://…, rediss+cluster://…            the same through TLS

``?prefix=NAME`` names the project.  ``sentinel_username`` and
``sentinel_password`` are for the sentinels themselves; every other option is
redis-py's own (``socket_timeout``, ``ssl_ca_certs``, …).

A URL may hold a password, and a password that was not percent-encoded moves
into the host, the port or the path.  So nothing of a URL that does not parse
is ever shown, and nothing of the part before the ``@`` of one that does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from jug.errors import OptionError

DEFAULT_PREFIX: Final = "jugfile"

_SECRET: Final = re.compile(r"user|pass|secret|token|credential", re.IGNORECASE)
_SET_BY_JUG: Final = {"connection_class", "decode_responses", "protocol", "retry"}
_SENTINEL_PORT: Final = 26379
_PORT: Final = 6379

Node = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is: a server and a prefix.

    >>> address = Address.parse("redis://me:secret@example.org/2?prefix=primes")
    >>> address.shown
    'redis://example.org/2?prefix=primes'
    >>> address
    Address(shown='redis://example.org/2?prefix=primes')
    """

    shown: str
    """The URL without its secrets."""
    prefix: str = field(repr=False)
    has_default_prefix: bool = field(repr=False)
    """Whether the prefix was not in the URL, so that another project may use the same one."""
    kind: str = field(repr=False)
    """``sentinel``, ``cluster``, or nothing for a single server."""
    plain: str = field(repr=False)
    """A URL of the first node, secrets included, that redis-py can parse."""
    nodes: tuple[Node, ...] = field(repr=False, default=())
    service: str = field(repr=False, default="")
    sentinel_login: dict[str, str] = field(repr=False, default_factory=dict)

    @classmethod
    def parse(cls, url: str, prefix: str | None = None) -> Address:
        """Return the address that a URL gives; its own prefix counts more than the one given."""
        try:
            return _parse(url, prefix)
        except ValueError as error:
            if isinstance(error, OptionError):
                raise
        raise OptionError(
            "the redis URL can't be read: it is redis://user:password@host:port/db?prefix=name, "
            "and a character of / ? # @ : % in the password is written as its percent-code"
        )

    @property
    def tag(self) -> str:
        """Return what each key begins with; the braces keep a project on one cluster node."""
        return f"jug:{{{self.prefix}}}:"


def _parse(url: str, given_prefix: str | None) -> Address:
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    _check_options(options)
    own_prefix = options.pop("prefix", None)
    prefix = own_prefix or given_prefix or DEFAULT_PREFIX
    _check_prefix(prefix)
    login, host = _split_login(parts)
    shown = {name: text for name, text in options.items() if not _SECRET.search(name)}
    sentinel_login = {
        name: options.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in options
    }
    path, service = _split_path(parts, kind)
    nodes = _nodes(host, _SENTINEL_PORT if kind == "sentinel" else _PORT)
    first = host if scheme == "unix" or not kind else host.split(",")[0]
    return Address(
        shown=_url(parts.scheme, host, parts.path, {**shown, "prefix": prefix}),
        prefix=prefix,
        has_default_prefix=not own_prefix,
        kind=kind,
        plain=_url(scheme, login + first, path, options),
        nodes=nodes,
        service=service,
        sentinel_login=sentinel_login,
    )


def _url(scheme: str, netloc: str, path: str, options: dict[str, str]) -> str:
    query = f"?{urlencode(options, quote_via=quote, safe='/')}" if options else ""
    return f"{scheme}://{netloc}{path}{query}"


def _check_prefix(prefix: str) -> None:
    if not prefix.isprintable() or not set(prefix).isdisjoint("{}"):
        raise OptionError(
            f"{prefix!r} can't be the prefix of a project in redis: "
            "give one without braces and control characters, as in ?prefix=name",
            prefix=prefix,
        )


def _check_options(options: dict[str, str]) -> None:
    for name in _SET_BY_JUG.intersection(options):
        raise OptionError(f"jug sets the option {name!r} of redis-py itself: remove it", name=name)


def _split_login(parts: SplitResult) -> tuple[str, str]:
    """Return user and password with their ``@``, and the hosts."""
    login, at, host = parts.netloc.rpartition("@")
    if parts.fragment or (parts.scheme == "unix" and host):
        raise ValueError
    return login + at, host


def _split_path(parts: SplitResult, kind: str) -> tuple[str, str]:
    """Return the path as redis-py wants it, and the sentinels' name of the server."""
    if parts.scheme == "unix":
        return parts.path, ""
    names = parts.path.strip("/").split("/")
    service = unquote(names.pop(0)) if kind == "sentinel" else ""
    database = "/".join(names)
    if database and not database.isdecimal() or (kind == "sentinel" and not service):
        raise ValueError
    return f"/{database}" if database else "", service


def _nodes(hosts: str, default_port: int) -> tuple[Node, ...]:
    found = []
    for host in hosts.split(","):
        node = urlsplit(f"//{host}")
        found.append((node.hostname or "localhost", node.port or default_port))
    return tuple(found)
