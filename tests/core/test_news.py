"""News and staleness follow from the states before and after, and from nothing else."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.backends.news import NOTHING, Changes, News, Reader, TaskState

A, B = b"a" * 20, b"b" * 20

RESULT = TaskState(result=1)
OTHER_RESULT = TaskState(result=2)
FAILURE = TaskState(failures=frozenset([1]))
TWO_FAILURES = TaskState(failures=frozenset([1, 2]))
RESULT_BESIDE_FAILURE = TaskState(result=1, failures=frozenset([1]))

FINISHED, FAILED, REMOVED, STALE = "finished", "failed", "removed", "stale"

TRANSITIONS = [
    (NOTHING, RESULT, {FINISHED}),
    (NOTHING, FAILURE, {FAILED}),
    (RESULT, NOTHING, {REMOVED, STALE}),
    (RESULT, OTHER_RESULT, {FINISHED, REMOVED, STALE}),
    (RESULT, FAILURE, {FAILED, REMOVED, STALE}),
    (RESULT, RESULT, set()),
    (RESULT, RESULT_BESIDE_FAILURE, set()),
    (RESULT_BESIDE_FAILURE, FAILURE, {REMOVED, STALE}),
    (FAILURE, NOTHING, {REMOVED}),
    (FAILURE, RESULT, {FINISHED}),
    (FAILURE, TWO_FAILURES, {FAILED}),
    (TWO_FAILURES, FAILURE, set()),
    (NOTHING, NOTHING._replace(discards=1), {STALE}),
    (RESULT, RESULT._replace(discards=1), {STALE}),
    (NOTHING, RESULT._replace(discards=1), {FINISHED, STALE}),
]


@pytest.mark.parametrize(("before", "after", "expected"), TRANSITIONS)
def test_a_pair_of_states_says_all(before: TaskState, after: TaskState, expected: set[str]) -> None:
    news = News()
    reader, since = news.reader(), news.clock

    news.note(A, before, after)

    assert told(reader.take(), A) == expected - {STALE}
    assert news.is_stale([B, A], since) == (STALE in expected)
    assert not news.is_stale([B], since)
    assert not news.is_stale([A], news.clock)


def told(changes: Changes, digest: bytes) -> set[str]:
    return {
        kind
        for kind in (FINISHED, FAILED, REMOVED)
        for one in getattr(changes, kind)
        if one == digest
    }


states = st.builds(
    TaskState,
    result=st.none() | st.integers(0, 2),
    failures=st.frozensets(st.integers(0, 2)),
    discards=st.integers(0, 1),
)


@given(st.lists(st.tuples(st.sampled_from([A, B]), states), max_size=20), st.integers(0, 20))
def test_no_way_from_one_result_to_another_is_missed(
    steps: list[tuple[bytes, TaskState]], moment: int
) -> None:
    news, known = News(), {A: NOTHING, B: NOTHING}
    reader, since, then = news.reader(), news.clock, dict(known)
    for number, (digest, after) in enumerate(steps):
        if number == moment:
            reader.take()
            since, then = news.clock, dict(known)
        news.note(digest, known[digest], after)
        known[digest] = after

    changes = reader.take()
    for digest, before in then.items():
        if known[digest].result != before.result:
            assert (known[digest].result is not None) <= (digest in changes.finished)
            assert (before.result is not None) <= (digest in changes.removed)
            assert (before.result is not None) <= news.is_stale([digest], since)


def test_each_reader_is_told_of_all_since_it_began_and_takes_nothing_from_others() -> None:
    news = News()
    early = news.reader()
    news.note_finished([A])
    late = news.reader()
    news.note(B, NOTHING, FAILURE)

    assert told(early.take(), A) == {FINISHED}
    late_changes = late.take()
    assert (late_changes.finished, late_changes.failed) == ([], [B])
    assert not late.has_changes()
    early.close()
    news.note(A, RESULT, NOTHING)
    assert not early.take()
    assert late.take().removed == [A]


def test_what_may_have_been_replaced_unseen_is_told_as_both_and_makes_all_stale() -> None:
    news = News()
    reader, since = news.reader(), news.clock

    news.note_all([A])

    changes = reader.take()
    assert (changes.finished, changes.failed, changes.removed) == ([A], [], [A])
    assert news.is_stale([B], since)
    assert not news.is_stale([A, B], news.clock)


def test_a_reader_loses_nothing_that_another_thread_adds_while_it_takes() -> None:
    news, count = News(), 20_000
    reader = news.reader()
    digests = [b"%020d" % number for number in range(count)]
    found: list[bytes] = []

    thread = Thread(target=lambda: [news.note_finished([digest]) for digest in digests])
    thread.start()
    while thread.is_alive():
        found += reader.take().finished
    thread.join()
    found += reader.take().finished

    assert found == digests


def test_a_forked_process_leaves_the_readers_of_its_parent_behind() -> None:
    news = News()
    parents = news.reader()

    news.forget_readers()
    own = news.reader()
    news.note_finished([A])

    assert not parents.has_changes()
    assert own.take().finished == [A]
    assert isinstance(own, Reader)


def test_a_reader_passes_over_nothing_but_one_first_result() -> None:
    news = News()
    reader = news.reader()
    news.note_finished([A])
    news.note(A, TaskState(1), TaskState(2))
    news.note_all([A, B])

    reader.pass_over(A)
    changes = reader.take()

    assert (changes.finished, changes.removed) == ([A, A, B], [A, A, B])


def test_a_lock_that_another_thread_held_at_a_fork_is_not_waited_for() -> None:
    news = News()
    news._coming_and_going.acquire()

    news.forget_readers()

    assert news._coming_and_going.acquire(blocking=False)
