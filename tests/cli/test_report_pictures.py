"""What the pictures of the page show: the time axis, the cells, the layers of the graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug import Task
from jug.report.axis import axis_of
from jug.report.graph_picture import graph_picture
from jug.report.timeline import CELLS, Kinds, kinds_of, timeline
from jug.task.graph import Graph
from jug.views.distribution import distribution
from jug.views.folded import FoldedGraph, Link, folded
from jug.views.places import Places
from jug.views.timings import Timings
from jug.views.worker_times import WorkerRuns, WorkerTimes

MOMENTS = st.floats(0.0, 1e10, allow_nan=False)
LIVES = st.lists(st.tuples(MOMENTS, st.floats(0.0, 1e6)), min_size=1, max_size=40)


@given(LIVES)
def test_the_axis_keeps_the_order_of_moments_and_leaves_none_out(
    lives: list[tuple[float, float]],
) -> None:
    axis = axis_of((start, start + length) for start, length in lives)

    assert axis is not None
    moments = sorted([start for start, _ in lives] + [start + length for start, length in lives])
    places = [axis.place(moment) for moment in moments]
    assert places == sorted(places)
    assert 0.0 <= places[0] and places[-1] <= 1.0
    assert all(0.0 <= tick.place <= 1.000001 for tick in axis.ticks())
    assert all(begin <= end for begin, end, _ in axis.breaks())
    assert len(axis.stretches) <= 13 and len(axis.ticks()) <= 12


def test_a_night_between_two_days_is_a_narrow_break() -> None:
    axis = axis_of([(0.0, 3600.0), (50_000.0, 53_600.0)])

    assert axis is not None
    ((begin, end, seconds),) = axis.breaks()
    assert seconds == 46_400.0 and 0.0 < end - begin < 0.03
    assert axis.place(3600.0) == pytest.approx(begin) and axis.place(50_000.0) == pytest.approx(end)


def test_a_short_pause_is_drawn_as_it_was() -> None:
    axis = axis_of([(0.0, 100.0), (105.0, 200.0)])

    assert axis is not None and len(axis.stretches) == 1 and axis.length == 200.0


def test_all_names_without_a_colour_of_their_own_share_one() -> None:
    kinds = Kinds(["m.f", "m.g"], True)

    assert [kinds.colour_of(name) for name in ("m.f", "m.g", "m.h", "m.i")] == [
        "k0", "k1", "k6", "k6",
    ]  # fmt: skip
    assert kinds.labels == ["m.f", "m.g", "all others"]


def test_without_work_there_is_no_axis() -> None:
    assert axis_of([]) is None


RUNS = st.lists(st.tuples(st.floats(0.0, 1000.0), st.floats(0.0, 100.0)), min_size=1, max_size=50)


@given(RUNS)
def test_the_cells_hold_all_the_time_of_the_runs(runs: list[tuple[float, float]]) -> None:
    of_worker = WorkerRuns()
    of_worker.add("builtins.abs", range(len(runs)), *zip(*runs, strict=True))
    times = WorkerTimes(Places({}).of("a:1"), len(runs), 0.0, 1.0, 1.0, None, None)
    ends = [start + taken for start, taken in runs]
    found = Timings([], [times], [], ends, [of_worker], {})  # type: ignore[arg-type]

    told = timeline(found, Kinds(["builtins.abs"], False))

    assert told is not None
    ((cells),) = told.running
    seconds = sum(cells) * told.axis.length / CELLS
    total = sum(taken for _, taken in runs)
    assert seconds == pytest.approx(total, abs=max(1e-6, told.axis.length / CELLS * 2))
    assert told.done[-1] == sum(end > 0.0 for end in ends)
    assert all(before <= after for before, after in pairwise(told.done))
    assert len(told.lanes[0].bars) == len(runs)


def test_a_run_under_another_name_than_its_task_is_drawn_with_the_others() -> None:
    of_worker = WorkerRuns()
    of_worker.add("m.cut_o", [0], [1.0], [2.0])
    times = WorkerTimes(Places({}).of("a:1"), 1, 0.0, 3.0, 2.0, None, None)
    found = Timings([], [times], [], [3.0], [of_worker], {})  # type: ignore[arg-type]

    told = timeline(found, kinds_of(found, ["m.cut_off"]))

    assert told is not None
    assert told.legend() == [("k6", "all others")]
    assert told.lanes[0].bars[0].kind == 0


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=100))
def test_every_time_is_in_one_bin(times: list[float]) -> None:
    spread = distribution(sorted(times))

    assert sum(spread.counts) == len(times)
    assert len(spread.bounds) == len(spread.counts) + 1
    assert spread.bounds == sorted(spread.bounds)


LINKS = st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40)


@given(LINKS)
def test_any_graph_of_names_has_layers_and_a_picture(pairs: set[tuple[int, int]]) -> None:
    graph = FoldedGraph([f"m.f{n}" for n in range(12)], sorted(Link(*pair, 1) for pair in pairs))

    layers = graph.layers()

    layer_of = {name: place for place, layer in enumerate(layers) for name in layer}
    assert sorted(layer_of) == list(range(12))
    for link in graph.links:
        assert link.leads_back or layer_of[link.needed] < layer_of[link.dependant]
    assert graph_picture(graph, {}, {}).count("<path") >= len(graph.links)


def test_tasks_that_need_others_of_their_name_lead_back() -> None:
    first = Task(max, 1, 2)
    again = Task(max, first, 3)

    tasks = Graph([Task(max, again, 4)])
    graph = folded(tasks, [*tasks.names()])

    assert graph.names == ["builtins.max"] and graph.layers() == [[0]]
    assert graph.links == [Link(0, 0, 2)] and graph.links[0].leads_back
