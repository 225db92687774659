from collections.abc import Callable
from contextlib import nullcontext

import pytest

from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
from jug.execution import errands
from jug.execution.errands import Errands


def nothing(store: BaseStore) -> None:
    """Ask the store for nothing."""


def attended(given: Errands) -> list[str]:
    """Attend to all of them; return what went wrong."""
    failed = list[str]()
    while given:
        given.attend(lambda error: failed.append(str(error)))
    return failed


@pytest.fixture
def given() -> Errands:
    return Errands(lambda: nullcontext(DictStore()))


def test_each_is_done_in_its_turn_before_what_follows_it(given: Errands) -> None:
    done = list[str]()

    def doing(name: str) -> Callable[[BaseStore], None]:
        return lambda store: done.append(name)

    for name in ("first", "second"):
        given.add(doing(name), lambda: done.append("then"))

    assert attended(given) == [] and done == ["first", "then", "second", "then"]


def test_where_no_thread_can_be_started_that_is_told_and_what_follows_is_done(
    given: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(errand: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(errands._Errand, "start", refuse)
    followed = list[int]()
    for number in range(2):
        given.add(nothing, lambda number=number: followed.append(number))  # type: ignore[misc]

    assert attended(given) == ["can't start new thread"] and followed == [0, 1]


def test_what_goes_wrong_in_what_follows_is_told(given: Errands) -> None:
    given.add(nothing, lambda: int("four"))

    assert attended(given) == ["invalid literal for int() with base 10: 'four'"]
