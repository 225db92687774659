"""The work of flat.py with exca, which keeps the results of a map by its items."""

import os
import sys
from collections.abc import Iterable, Iterator

from exca import MapInfra, TaskInfra
from pydantic import BaseModel

folder = sys.argv[1]


class Same(BaseModel):
    infra: MapInfra = MapInfra(folder=folder)

    @infra.apply(item_uid=str)
    def same(self, numbers: Iterable[int]) -> Iterator[int]:
        yield from numbers


class Total(BaseModel):
    same: Same = Same()
    count: int
    infra: TaskInfra = TaskInfra(folder=folder)

    @infra.apply
    def total(self) -> int:
        return sum(self.same.same(range(self.count)))


Total(count=int(os.environ["BENCHMARK_TASKS"])).total()
