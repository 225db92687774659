"""Other programs that run tasks or remember results, on the smallest work, each in its turn.

Each has an environment of its own, so that none brings along what makes another slow, and runs
500 and 20,000 tasks that return their argument, and one sum: *cold* from nothing, and *warm*
once more where all was done before, as far as it keeps anything.  Whole processes are measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import measure
from contenders import Contender, installed
from measure import Sample
from rows import Row, Workshop

COUNTS = (500, 20_000)
_MANY = 1_000  # tasks from which on some of them take minutes


@dataclass(frozen=True)
class Peer:
    """One of the others."""

    name: str
    version: str
    requirements: tuple[str, ...]
    keeps_results: bool = True
    limit: float | None = None
    """What our time for the fewest tasks may be at most of its own."""

    @property
    def program(self) -> str:
        """The program that does the work with it."""
        return f"flat_{self.name}"

    def install(self, cache: Path) -> Contender:
        """Return it, installed into a folder of its own if it is not there."""
        title = f"{self.name} {self.version}".strip()
        return Contender(title, installed(cache / "peers" / self.name, self.requirements))


PEERS = (
    Peer("doit", "0.37.0", ("doit==0.37.0",), limit=1.0),
    Peer("joblib", "1.6.0", ("joblib==1.6.0",), limit=1.0),
    Peer("dask", "2026.8.0", ("dask==2026.8.0",), keeps_results=False),
    Peer("pool", "", (), keeps_results=False),
    Peer("luigi", "3.8.1", ("luigi==3.8.1",)),
    Peer("exca", "0.6.0", ("exca==0.6.0",)),
    Peer("executorlib", "1.11.0", ("executorlib[cache]==1.11.0",)),
)


def peer_rows(shop: Workshop, *, with_peers: bool) -> Iterator[Row]:
    """Yield the rows of each, cold and warm."""
    for peer in PEERS:
        for full in COUNTS:
            count, rounds = shop.size(full), 3 if full > _MANY else None
            limit = None if shop.is_quick or full > _MANY else peer.limit
            yield Row(
                key=f"{peer.name}-{full}",
                title=f"{count:,} tasks and one sum, cold",
                unit="s",
                limit=limit,
                ours=lambda count=count: shop.execute(shop.ours, "flat", count, "-j1"),
                baseline=_Run(peer, shop, count) if with_peers else None,
                baseline_name=f"{peer.name} {peer.version}".strip(),
                rounds=rounds,
            )
            if peer.keeps_results:
                yield Row(
                    key=f"{peer.name}-{full}-warm",
                    title=f"{count:,} tasks and one sum, warm",
                    unit="s",
                    limit=limit,
                    ours=lambda count=count: shop.on_done(shop.ours, "execute", count),
                    baseline=_Run(peer, shop, count, is_warm=True) if with_peers else None,
                    baseline_name=f"{peer.name} {peer.version}".strip(),
                    rounds=rounds,
                )


@dataclass
class _Run:
    """One of the others at work; it is installed when that is first to be measured."""

    peer: Peer
    shop: Workshop
    count: int
    is_warm: bool = False

    def __call__(self) -> Sample:
        """Run it and return the time."""
        one = self.peer.install(self.shop.kept)
        if not self.is_warm:
            return self.shop.time_program(one, self.peer.program, BENCHMARK_TASKS=self.count)
        folder = self.shop.folder / f"{self.peer.name}-{self.count}"
        command = one.program(self.peer.program, folder)
        if not folder.exists():
            measure.run(command, BENCHMARK_TASKS=self.count)
        return measure.run(command, BENCHMARK_TASKS=self.count).timed()
