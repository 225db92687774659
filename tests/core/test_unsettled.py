"""Runs whose outcome a store says at the end."""

from types import SimpleNamespace

import pytest

from jug.backends.base import Outcome
from jug.errors import StoreError
from jug.execution.unsettled import Run, Unsettled
from jug.testing.hooks import A, B, result


class Seen:
    """Notes what is counted and what is to be done again."""

    def __init__(self):
        self.counted, self.reopened = [], []
        self.reporter = SimpleNamespace(count_executed=self.count)
        self.plan = SimpleNamespace(reopen=self.reopened.append)

    def count(self, name, seconds, runs=1):
        self.counted.append((name, seconds, runs))


def ending(end_several):
    unsettled = Unsettled(SimpleNamespace(end_several=end_several))
    unsettled.add(Run(0, "first", result(A), None, 0.5))
    unsettled.add(Run(1, "second", result(B), None, 0.25))
    return unsettled


def test_what_was_not_saved_is_not_counted():
    seen, outcomes = Seen(), {A: Outcome.SAVED, B: Outcome.STALE}
    unsettled = ending(lambda: outcomes)

    ended = unsettled.end(seen.plan, seen.reporter)

    assert [(run.number, outcome) for run, outcome in ended] == [
        (0, Outcome.SAVED),
        (1, Outcome.STALE),
    ]
    assert seen.counted == [("second", -0.25, -1)]
    assert seen.reopened == []
    outcomes.clear()
    assert unsettled.end(seen.plan, seen.reporter) == []


def test_where_the_store_does_not_answer_nothing_counts_and_all_is_done_again():
    seen = Seen()

    def fail():
        raise StoreError("away")

    with pytest.raises(StoreError):
        ending(fail).end(seen.plan, seen.reporter)

    assert seen.counted == [("first", -0.5, -1), ("second", -0.25, -1)]
    assert seen.reopened == [0, 1]
