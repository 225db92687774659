"""Who works now and who died, on what machines, and with which versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from jug.report.figures import UNKNOWN, age, date, number, whole_span
from jug.report.findings import Findings
from jug.report.markup import Markup, shown, tag
from jug.report.parts import Cell, num, row, rows_left_out, section, table
from jug.views.machines import Machine, Version
from jug.views.workforce import activity
from jug.wording import counted
from jug.workers import Worker, silent_for_long

__all__ = ["machines_section", "versions_section", "workers_section"]

_WORKERS: Final = 200
_HOSTS: Final = 100
_TEXT: Final = 160
_TITLES: Final = ["Worker", "State", "Heard of", "Lives for", "Held for", "Task"]
_RIGHT: Final = _TITLES[2:5]


def workers_section(found: Findings) -> Markup:
    """Return the workers that are there, alive or not."""
    seen = found.workforce
    rows = [_row(found, worker) for worker in islice(seen.workers, _WORKERS)]
    made = table("Workers", _TITLES, rows, _RIGHT, is_sorted=True) if rows else None
    left_out = rows_left_out(len(seen.workers) - len(rows), "workers")
    return section("workers", "Workers now", made, left_out, note=" ".join(_sentences(found)))


def _sentences(found: Findings) -> Iterator[str]:
    seen = found.workforce
    counts = [
        f"{number(count)} {silent_for_long(seen.lease) if state == 'silent' else state}"
        for state, count in seen.counts().items()
    ]
    told = f": {', '.join(counts)}" if counts else ""
    yield f"{counted(len(seen.workers), 'worker')}{told}."
    if seen.ended or seen.died:
        died = f", and {number(seen.died)} died" if seen.died else ""
        have = "has" if seen.ended == 1 else "have"
        yield f"{counted(seen.ended, 'other')} {have} ended{died}."


def _row(found: Findings, worker: Worker) -> Markup:
    seen, now = found.workforce, found.moment
    state, digest = activity(worker), seen.longest(worker)
    since = worker.tasks[digest] if digest else 0.0
    is_dead = state in ("silent", "gone")
    heard = UNKNOWN if worker.silence is None else f"{whole_span(round(worker.silence))} ago"
    cells = [
        Cell(shown(worker.place, _TEXT)),
        Cell(tag("span", state, class_=f"state {'dead' if is_dead else state}")),
        num(heard, worker.silence),
        _age(worker.start, now),
        _age(since, now),
        Cell(tag("code", _call(found, worker, digest)) if digest else None),
    ]
    return row(
        _TITLES,
        cells,
        _RIGHT,
        class_="item",
        data_key=f"worker-{worker.id[:40]}",
        data_states="failed" if is_dead else state,
    )


def _age(moment: float, now: float) -> Cell:
    """Return how long ago a moment was; what is not known has no place in an order.

    >>> [(cell.content, cell.order) for cell in (_age(45.0, 60.0), _age(0.0, 60.0))]
    [('15 s', 15.0), ('–', None)]
    """
    return num(age(moment, now), now - moment if moment else None)


def _call(found: Findings, worker: Worker, digest: bytes) -> str:
    more = len(worker.tasks) - 1
    call = shown(found.workforce.call(worker, digest), _TEXT)
    return f"{call} and {more} more" if more else call


def machines_section(found: Findings) -> Markup | None:
    """Return on what machines workers ran, None if that is not known."""
    if not found.machines:
        return None
    is_batch = any(machine.jobs for machine in found.machines)
    titles = ["Host", "Workers", "Cores", "Python", "First worker", *(["Jobs"] if is_batch else [])]
    right = titles[1:3]
    rows = [
        row(
            titles,
            _machine(machine)[: len(titles)],
            right,
            class_="item",
            data_key=f"host-{machine.host[:100]}",
        )
        for machine in found.machines[:_HOSTS]
    ]
    left_out = rows_left_out(len(found.machines) - len(rows), "hosts")
    made = table("Machines", titles, rows, right, is_sorted=True)
    return section("machines", "Machines", made, left_out)


def _machine(machine: Machine) -> list[Cell]:
    jobs = ", ".join(machine.jobs[:5]) + ("…" if len(machine.jobs) > 5 else "")
    return [
        Cell(shown(machine.host or "unknown", _TEXT)),
        num(number(machine.workers), machine.workers),
        num(number(machine.cores) if machine.cores else UNKNOWN, machine.cores),
        Cell(shown(", ".join(machine.pythons) or UNKNOWN, _TEXT)),
        Cell(date(machine.first), machine.first),
        Cell(shown(jobs, _TEXT) or UNKNOWN, is_faint=not jobs),
    ]


def versions_section(found: Findings) -> Markup | None:
    """Return which versions the workers had, None if that is not known."""
    if not found.versions:
        return None
    times = Counter(one.package for one in found.versions)
    several = [name for name, count in times.items() if count > 1]
    note = (
        f"Workers had several versions of {', '.join(several[:8])}: results may differ by that."
        if several
        else "All workers had the same."
    )
    titles = ["Package", "Version", "Workers"]
    rows = [_version(one, titles, times[one.package] > 1) for one in found.versions[:200]]
    made = table("Versions", titles, rows, titles[2:])
    return section("versions", "Versions", made, note=shown(note, 400))


def _version(one: Version, titles: list[str], is_one_of_several: bool) -> Markup:
    mark = tag("b", shown(one.version, 60), class_="bad-text") if is_one_of_several else None
    cells = [
        Cell(shown(one.package, 60)),
        Cell(mark or shown(one.version, 60)),
        num(number(one.workers), one.workers),
    ]
    return row(titles, cells, titles[2:], class_="item")
