"""Clients of redis-py for each kind of address: a server, a cluster, sentinels."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from jug.backends._redis.url import Address


def connect(address: Address, timeout: float) -> Any:
    """Return a client that tries nothing again by itself, but for a cluster's."""
    options: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": 5.0,
        "socket_keepalive": True,
    }
    never = Retry(NoBackoff(), 0)
    if address.kind == "cluster":
        return RedisCluster.from_url(address.plain, **options)
    if address.kind == "sentinel":
        return _by_sentinel(address, {**options, "retry": never})
    if address.plain.startswith("unix:"):
        del options["socket_keepalive"], options["socket_connect_timeout"]
    return Redis.from_url(address.plain, retry=never, **options)


def _by_sentinel(address: Address, options: dict[str, Any]) -> Any:
    parse: Any = parse_url  # redis-py leaves it untyped
    options |= parse(address.plain)
    for name in ("host", "port"):
        options.pop(name, None)
    own: dict[str, Any] = {**address.sentinel_login, "retry": options["retry"]}
    if options.pop("connection_class", None) is not None:
        options["ssl"] = True
        own |= {name: value for name, value in options.items() if name.startswith("ssl")}
    own |= {name: value for name, value in options.items() if name.startswith("socket_")}
    sentinels: Any = Sentinel
    return sentinels(list(address.nodes), sentinel_kwargs=own, **options).master_for(
        address.service
    )
