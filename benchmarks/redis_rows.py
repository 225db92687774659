"""The rows about results in redis: everybody on the same server, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import measure
from contenders import Contender
from measure import Sample
from rows import Row, Workshop, by
from server import FROM_OUTSIDE, Server


@dataclass
class _Bench:
    """Work on a server."""

    shop: Workshop
    server: Server
    _done: set[tuple[str, int]] = field(default_factory=set)
    """Whose finished tasks are there, and how many."""

    def url(self, one: Contender) -> str:
        """Return what somebody calls the server; the former release takes all of it."""
        is_ours = one is self.shop.ours
        return f"{self.server.address}/{'?prefix=benchmark' if is_ours else ''}"

    def execute(self, one: Contender, count: int) -> Sample:
        """Execute tasks that do nothing, on an empty server."""
        self.server.empty()
        self._done.clear()
        return self._run(one, "execute", count)

    def trips(self, one: Contender, count: int) -> Sample:
        """Return how many commands somebody sends for each task."""
        self.execute(one, count)
        kinds = FROM_OUTSIDE if one is self.shop.ours else None
        return Sample(self.server.calls(kinds) / count)

    def status(self, one: Contender, count: int) -> Sample:
        """Ask for the status where all is done, by everybody in turn."""
        if (one.name, count) not in self._done:
            self._run(one, "execute", count)
            self._done.add((one.name, count))
        return self._run(one, "status", count)

    def _run(self, one: Contender, subcommand: str, count: int) -> Sample:
        command = one.on("independent", self.url(one), subcommand)
        return measure.run(command, BENCHMARK_TASKS=count).timed()


def redis_rows(shop: Workshop, server: Server) -> list[Row]:
    """Return the rows about redis."""
    rows = list(_rows(_Bench(shop, server)))
    return [replace(row, limit=None) for row in rows] if shop.is_quick else rows


def _rows(bench: _Bench) -> Iterator[Row]:
    shop = bench.shop
    ours, former, count, many = shop.ours, shop.former, shop.size(20_000), shop.size(100_000)
    yield Row(
        key="redis",
        title=f"execute {count:,} tasks on a redis server",
        unit="s",
        limit=0.30,
        ours=lambda: bench.execute(ours, count),
        baseline=by(former, lambda f: bench.execute(f, count)),
    )
    yield Row(
        key="redis-status",
        title=f"status of {many:,} finished tasks on a redis server",
        unit="s",
        limit=0.30,
        ours=lambda: bench.status(ours, many),
        baseline=by(former, lambda f: bench.status(f, many)),
    )
    yield Row(
        key="redis-trips",
        title="round trips to a redis server per short task",
        unit="trips",
        limit=1.2,
        ours=lambda: bench.trips(ours, count),
        baseline=by(former, lambda f: bench.trips(f, count)),
        rounds=1,
    )
