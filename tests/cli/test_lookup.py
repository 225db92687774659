"""Finding the one task that a user means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import PRIMES

from jug.cli.lookup import find_task
from jug.errors import OptionError
from jug.jugfile import Jugfile, Jugspace, set_jugdir
from jug.session import use_store
from jug.task.short_form import call_form

MORE = (
    PRIMES
    + """
from jug import Tasklet, mapreduce
from jug.utils import identity
flags = [is_prime(n) for n in range(2, 8)]
by_number = {"seven": flags[5], "all": flags}
first = flags[0]
part = Tasklet(flags[1], bool)
pair = identity(2)
of_pair = [pair[0], pair[1]]
mapped = mapreduce.map(abs, [1, 2, 3], map_step=2)

class Refuses:
    def __getattr__(self, name):
        raise RuntimeError("no")

refuses = Refuses()

class Unbound:
    @property
    def __class__(self):
        raise RuntimeError("it is bound to nothing")

unbound = Unbound()
endless = [first]
endless.append(endless)
twice = [first, {"again": first}]
called = []
def call():
    called.append(1)
"""
)


@pytest.fixture
def jugspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jugspace]:
    monkeypatch.chdir(tmp_path)
    Path("primes.py").write_text(MORE)
    set_jugdir("dict_store")
    yield Jugfile("primes.py").read()
    use_store(None)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("count_primes", "primes.count_primes([primes.is_prime(), primes.is_prime(), …])"),
        ("is_prime[0]", "primes.is_prime(2)"),
        ("is_prime[-1]", "primes.is_prime(7)"),
        ("primes.is_prime[1]", "primes.is_prime(3)"),
        ("is_prime(7)", "primes.is_prime(7)"),
        ("is_prime( 7, )", "primes.is_prime(7)"),
        ("flags[5]", "primes.is_prime(7)"),
        ("by_number['all'][2]", "primes.is_prime(4)"),
        ("first", "primes.is_prime(2)"),
        ("endless", "primes.is_prime(2)"),
        ("twice", "primes.is_prime(2)"),
        ("part", "primes.is_prime(3)"),
        ("of_pair", "identity(2)"),
        ("mapped[2]", "jug.mapreduce._jug_map(<builtin_function_or_method>, [3])"),
    ],
)
def test_a_task_is_found(jugspace: Jugspace, text: str, call: str) -> None:
    found = call_form(find_task(jugspace, text))

    assert found.split("(")[0] == call.split("(")[0]
    assert "[" in call or found == call


@pytest.mark.parametrize("digits", [6, 12, 40])
def test_a_task_is_found_by_its_hash(jugspace: Jugspace, digits: int) -> None:
    task = jugspace.tasks[3]

    assert find_task(jugspace, task.digest.hex()[:digits]) is task


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("is_prim", "no task is 'is_prim': is is_prime or"),
        ("flag[0]", "no task is 'flag[0]': is flags meant?"),
        ("is_prime(8)", "no task matches 'is_prime(8)': is 'primes.is_prime(7)' or"),
        ("is_prime[6]", "there is no 'is_prime[6]': 6 tasks of this name, counted from 0"),
        ("flags[6]", "no task is 'flags[6]'"),
        ("xyz", "no task is 'xyz': `jug count` lists the names"),
        ("", "no task is ''"),
        ("call()", "no task is 'call()'"),
        ("flags[", "no task is 'flags['"),
        ("refuses.x", "no task is 'refuses.x'"),
        ("unbound", "no task is 'unbound'"),
        ("[][0]", "no task is"),
        ("ffffffffffff", "no task is 'ffffffffffff'"),
        ("\0", "no task is"),
    ],
)
def test_what_fits_none_is_said(jugspace: Jugspace, text: str, message: str) -> None:
    with pytest.raises(OptionError) as raised:
        find_task(jugspace, text)

    assert str(raised.value).startswith(message)
    assert jugspace.names["called"] == []


def test_the_tasks_of_a_lazy_map_are_listed_in_their_order(jugspace: Jugspace) -> None:
    with pytest.raises(OptionError) as raised:
        find_task(jugspace, "mapped")

    first, *listed = str(raised.value).splitlines()
    assert first == "2 tasks fit 'mapped': name one, such as mapped[0]"
    assert [line[line.index("[") :] for line in listed] == ["[1, 2])", "[3])"]


def test_of_hashes_that_begin_alike_a_longer_beginning_is_named(jugspace: Jugspace) -> None:
    for number, task in enumerate(jugspace.tasks[:2]):
        task.known_digest = bytes.fromhex(f"abcdef{number:034}")

    with pytest.raises(OptionError, match="2 tasks fit 'abcdef': name one, such as abcdef000000"):
        find_task(jugspace, "abcdef")


def test_what_fits_several_is_listed(jugspace: Jugspace) -> None:
    with pytest.raises(OptionError) as raised:
        find_task(jugspace, "is_prime")

    lines = str(raised.value).splitlines()
    assert lines[0] == "6 tasks fit 'is_prime': name one, such as is_prime[0]"
    assert lines[1].endswith("  primes.is_prime(2)") and len(lines[1].split()[0]) == 12
    assert lines[-1] == "  … and 1 more"
