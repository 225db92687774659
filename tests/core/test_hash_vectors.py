"""The hashes of fixed values: results are found by them for as long as the scheme's version lasts.

`hash_vectors.json` has an expression and its hash in each line.  A test that
fails here means that every stored result would be computed again.  If that is
wanted, raise SCHEME_VERSION.  Running this module writes the hashes anew, of the
expressions that are there: an expression for a new encoding is added with an empty
hash, and then no other line may change.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import functools
import json
import operator
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import jug.hash
from jug.hash import SCHEME_VERSION, hash_one, hash_update, new_hash_object
from jug.task import TaskGenerator

VECTORS = pathlib.Path(__file__).with_name("hash_vectors.json")


class Colour(enum.Enum):
    RED = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Words:
    words: set[str]


class Thing:
    def __init__(self, x: Any) -> None:
        self.x = x

    def run(self) -> None: ...


class Custom:
    def __jug_hash__(self) -> bytes:
        return b"custom"


def f() -> None: ...


def adder(n: int) -> Any:
    def add(x: int, y: int = 1) -> int:
        return n + x + y

    add.__module__ = "vectors"
    return add


def loop() -> list[Any]:
    value: list[Any] = [1]
    value.append([value])
    return value


def updates(*elems: tuple[Any, Any]) -> bytes:
    M = new_hash_object()
    hash_update(M, elems)
    return M.digest()


OURS = (Colour, Mode, Point, Words, Thing, Custom, f, adder, loop, updates)
for ours in (*OURS, Thing.run):
    ours.__module__ = "vectors"  # however this module is imported
sys.modules["vectors"] = types.ModuleType("vectors")
vars(sys.modules["vectors"]).update({ours.__name__: ours for ours in OURS})

# Of two things of one name the latter counts: `time` is that of datetime, and no module.
MODULES = (collections, decimal, fractions, pathlib, uuid, zoneinfo, datetime, jug.hash)
NAMES: dict[str, Any] = {
    **{name: thing for module in MODULES for name, thing in vars(module).items()},
    **{ours.__name__: ours for ours in OURS},
    **{
        "TaskGenerator": TaskGenerator,
        "functools": functools,
        "operator": operator,
        "re": re,
        "np": np,
    },
}


def compute(expression: str) -> str:
    value = eval(expression, NAMES)
    if expression.startswith(("task_digest(", "updates(")):
        return value.hex()  # type: ignore[no-any-return]
    return hash_one(value).decode()


def read() -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads(VECTORS.read_text())
    return vectors


def test_the_file_is_of_this_version() -> None:
    assert read()["version"] == SCHEME_VERSION


def test_no_two_vectors_are_alike() -> None:
    hashes = list(read()["hashes"].values())

    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize(("expression", "expected"), read()["hashes"].items())
def test_a_value_has_the_hash_that_it_always_had(expression: str, expected: str) -> None:
    assert compute(expression) == expected


def write() -> None:
    """Write the file anew, for the expressions that are in it."""
    hashes = {expression: compute(expression) for expression in read()["hashes"]}
    vectors = {"version": SCHEME_VERSION, "hashes": hashes}
    VECTORS.write_text(json.dumps(vectors, indent=2) + "\n")


if __name__ == "__main__":
    write()
