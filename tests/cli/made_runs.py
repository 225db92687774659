"""Runs that never were: many tasks by many workers on several hosts, written straight to a store.

Clocks, hosts and durations are made up, from one seed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jug.backends.base import BaseStore
from jug.backends.frames import Frame, Kind
from jug.backends.process import Process
from jug.cli.reading import traceless
from jug.code import code_of, codes_of, keep
from jug.codec import encode
from jug.execution import Job
from jug.records import Record, pack
from jug.task import Task

JUGFILE = """
from jug import Task

def load(number): return number
def smooth(image): return image
def threshold(image): return image
def compare(first, second): return first
def collect(scores): return scores

images = [Task(load, number) for number in range({each})]
smoothed = [Task(smooth, image) for image in images]
cells = [Task(threshold, image) for image in images]
scores = [Task(compare, *pair) for pair in zip(smoothed, cells)]
for begin in range(0, {each}, 100):
    Task(collect, scores[begin : begin + 100])
"""

_MEANS = {"load": 0.3, "smooth": 2.0, "threshold": 5.0, "compare": 0.8, "collect": 12.0}
_time = time.time
_BEGAN = 1_750_000_000.0
_TRACEBACK = """\
Traceback (most recent call last):
  File "/data/images/large.py", line 5, in smooth
    raise ValueError(f"image {number} has 4 channels, 3 are needed")
ValueError: image 381 has 4 channels, 3 are needed
"""


def make_run(
    folder: Path, tasks: int, workers: int, failing: float = 0.0, left: float = 0.1
) -> tuple[str, str]:
    """Write a jugfile of about so many tasks, and a jugdir in which most were run.

    `failing` and `left` are which share of them failed, and was never run.  Returns the paths of
    both.
    """
    jugfile = folder / "large.py"
    jugfile.write_text(JUGFILE.format(each=max(1, tasks // 4)))
    jugdir = str(folder / "large.jugdata")
    with pytest.MonkeyPatch.context() as patch, traceless(str(jugfile)):
        patch.setattr(os, "fsync", lambda file: None)
        _, jugspace = Job(str(jugfile), [], jugdir).begin()
        patch.setattr(type(jugspace.store), "poll", lambda store: None)  # each has its own tasks
        with _crew(jugspace.store, workers, patch) as crew:
            chance = random.Random(1)
            keep(jugspace.store, codes_of(jugspace.tasks))
            for number, task in enumerate(jugspace.tasks):
                if chance.random() >= left:
                    name = task.name.rpartition(".")[2]
                    crew[number % workers].run(task, _MEANS[name], failing)
    return str(jugfile), jugdir


class _Made:
    """A worker that never was."""

    def __init__(self, store: BaseStore, number: int, patch: pytest.MonkeyPatch) -> None:
        self._store = store
        self._patch = patch
        # Of another boot nobody here can say whether such a process is gone.
        self._process = Process(f"node{number // 8:02d}", "made up", "", 1000 + number, "")
        self._chance = random.Random(number)
        self._clock = _BEGAN + self._chance.random()
        self._has_begun = False

    def run(self, task: Task[Any], mean: float, failing: float) -> None:
        """Write that a task was run, or has failed."""
        seconds = self._chance.lognormvariate(0.0, 0.4) * mean
        digest = task.digest
        measures = {"cpu": 0.9 * seconds, "code": code_of(task).text}
        record = Record(task.name, self._clock, seconds, 300, 80_000_000, **measures)
        if not self._has_begun:
            self._as_itself()
        self._clock += seconds + 0.02 * mean * self._chance.random()
        if self._chance.random() < failing:
            failed = record._replace(
                exception=_TRACEBACK.splitlines()[-1], traceback=_TRACEBACK, output="opening\n"
            )
            self._store.put(Frame(Kind.FAILURE, digest, pack(failed)))
        else:
            self._store.put(Frame(Kind.RESULT, digest, pack(record), encode(1)))
        if not self._has_begun:
            self._has_begun = True
            self._patch.setattr("time.time", _time)  # what is written has times of its own

    def end(self) -> None:
        """Write that it has ended."""
        self._as_itself()
        self._store.close()

    def _as_itself(self) -> None:
        self._patch.setattr(Process, "here", lambda: self._process)
        self._patch.setattr("time.time", lambda: self._clock)


@contextmanager
def _crew(store: BaseStore, workers: int, patch: pytest.MonkeyPatch) -> Iterator[list[_Made]]:
    views = [store, *(store.another_view() for _ in range(workers - 1))]
    crew = [_Made(view, number, patch) for number, view in enumerate(views)]
    yield crew
    for one in crew[1:]:
        one.end()
    patch.undo()
