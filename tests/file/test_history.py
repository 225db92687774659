"""The state of a task follows from the set of events about it, in whatever order they come."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from jug.backends._file.frames import FrameKind, Removed, ident
from jug.backends._file.history import NEXT_REMOVED, REMOVED, Event, History
from jug.backends._file.index import SHIFT, FrameIndex
from jug.backends.news import NOTHING, TaskState

A = b"a" * 20
WORKERS = [bytes([number]) * 8 for number in range(1, 4)]

idents = st.builds(ident, st.sampled_from(WORKERS), st.integers(0, 2))
kinds = st.sampled_from(
    [FrameKind.RESULT, FrameKind.BIG, FrameKind.FAILURE, FrameKind.KEPT, FrameKind.VOID]
)
frames = st.builds(lambda kind, ident: (int(kind), ident), kinds, idents)
removals = st.tuples(st.sampled_from([REMOVED, NEXT_REMOVED]), idents)


def is_removal(event: tuple[int, bytes]) -> bool:
    return event[0] in (REMOVED, NEXT_REMOVED)


# No two frames have one id; a removal may name one of them.
events = st.lists(
    frames | removals,
    max_size=5,
    unique_by=lambda event: (event[0] if is_removal(event) else 0, event[1]),
)


def index_with(*taken_in: tuple[int, bytes]) -> FrameIndex:
    """Return an index that has taken in these events, one after another."""
    where = {place: one for place, (_, one) in enumerate(taken_in, start=1)}
    index = FrameIndex(lambda place, digest: where[place])
    for place, event in enumerate(taken_in, start=1):
        take_in(index, place, *event)
    return index


def take_in(index: FrameIndex, place: int, kind: int, one: bytes) -> None:
    if is_removal((kind, one)):
        index.remove(Removed(A, one, is_next=kind == NEXT_REMOVED))
    else:
        index.add(one, kind, A, place)


@given(events)
def test_all_orders_of_events_come_to_one_state(chosen: list[tuple[int, bytes]]) -> None:
    states = set()
    for order in permutations(chosen):
        index = index_with(*order)
        found = (A in index.results, index.failed.get(A), index.state(A))
        states.add(found)
        assert (index.state(A).result is not None) == (A in index.results)

    assert len(states) <= 1


@given(events, st.integers(0, 5))
def test_whatever_order_the_rest_comes_in_a_result_that_is_another_was_reported_and_made_stale(
    chosen: list[tuple[int, bytes]], known: int
) -> None:
    first, rest = chosen[:known], chosen[known:]
    final = index_with(*chosen).state(A)
    for order in permutations(rest):
        where = {place: one for place, (_, one) in enumerate([*first, *order], start=1)}
        index = FrameIndex(lambda place, digest, where=where: where[place])
        for place, event in enumerate(first, start=1):
            take_in(index, place, *event)
        before, since, reader = index.state(A), index.news.clock, index.news.reader()
        for place, event in enumerate(order, start=len(first) + 1):
            take_in(index, place, *event)

        changes = reader.take()
        assert index.state(A) == final
        if before.result not in (None, final.result):
            assert index.news.is_stale([A], since)
            assert A in changes.removed
        if final.result not in (None, before.result):
            assert A in changes.finished
        if final.discards != before.discards:
            assert index.news.is_stale([A], since)


@given(events)
def test_an_index_says_what_the_whole_history_comes_to(chosen: list[tuple[int, bytes]]) -> None:
    history = History([Event(kind, one, place) for place, (kind, one) in enumerate(chosen, 1)])

    index = index_with(*chosen)

    assert index.state(A) == history.state()
    assert sorted(index.live_idents(A)) == sorted(event.ident for event in history.live())
    for _, one in filter(lambda event: not is_removal(event), chosen):
        is_live = one in [event.ident for event in history.live()]
        assert index.is_removed(A, one) == (not is_live and A in index.histories)
    for worker in WORKERS:
        assert index.expects_removed(A, worker) == history.expects_removed(worker)
        assert index.has_next_removed(A, worker) == history.has_next_removed(worker)


@given(events, st.sets(st.integers(1, 5)))
def test_of_segments_that_are_gone_the_removals_stay(
    chosen: list[tuple[int, bytes]], gone: set[int]
) -> None:
    where = {place << SHIFT: one for place, (_, one) in enumerate(chosen, start=1)}
    index = FrameIndex(lambda place, digest: where[place])
    for place, event in enumerate(chosen, start=1):
        take_in(index, place << SHIFT, *event)
    reader, before = index.news.reader(), index.state(A).result

    with index.replacing(gone):
        pass

    left = [
        event for place, event in enumerate(chosen, 1) if is_removal(event) or place not in gone
    ]
    history = History([Event(kind, one) for kind, one in left])
    assert index.state(A) == history.state()
    assert (A in reader.take().removed) >= (before not in (None, history.state().result))


@given(events)
def test_a_history_that_was_packed_is_the_same(chosen: list[tuple[int, bytes]]) -> None:
    history = History([Event(kind, one, place) for place, (kind, one) in enumerate(chosen)])

    again = History.unpack(history.pack())

    assert again.events == history.events
    assert again.state() == history.state()


def test_a_task_of_which_nothing_is_known_has_no_state() -> None:
    assert FrameIndex(lambda place, digest: b"").state(A) == NOTHING
    assert History([]).state() == TaskState()
