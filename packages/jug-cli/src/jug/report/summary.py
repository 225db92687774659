"""The top of the page: what it is about, what stands in the way, and the figures of the whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from jug.progress.wording import silence
from jug.report.code_section import stale_results
from jug.report.figures import date, number, percent, span, whole_span
from jug.report.findings import Findings
from jug.report.markup import Content, Markup, joined, shown, tag
from jug.report.parts import folding, legend, long_text
from jug.report.states import state_bar, totals
from jug.wording import counted

__all__ = ["head", "summary"]

_PATH: Final = 200


def head(found: Findings) -> Markup:
    """Return the head of the page: which jugfile, which store, when."""
    subject = found.subject
    about = (
        tag("span", "Results in ", tag("code", shown(subject.jugdir, _PATH))),
        tag("span", "As of ", tag("time", f"{date(found.moment)} {_zone()}")),
    )
    return tag("header", tag("h1", shown(found.title, _PATH)), tag("p", about, class_="about"))


def _zone() -> str:
    return time.strftime("%Z", time.localtime())


def summary(found: Findings) -> Markup:
    """Return what matters most."""
    counts = totals(found.status)
    states = legend((state, f"{number(count)} {state}") for state, count in counts if count)
    return tag(
        "section",
        tag("h2", "Summary", id="summary-title", class_="unseen"),
        (tag("div", notice, class_="notice") for notice in _notices(found)),
        tag("dl", (_tile(*tile) for tile in _tiles(found)), class_="tiles"),
        tag("div", state_bar(counts), class_="whole") if found.snapshot.total else None,
        states if found.snapshot.total else None,
        id="summary",
        aria_labelledby="summary-title",
    )


def _tile(title: str, figure: str, more: str = "", kind: str | None = None) -> Markup:
    return tag(
        "div",
        tag("dt", title),
        tag("dd", tag("b", figure), tag("span", more) if more else None),
        class_=kind,
    )


def _tiles(found: Findings) -> Iterator[tuple[str, ...]]:
    now = found.snapshot
    share = now.done / now.total if now.total else None
    of_all = f"of {number(now.total)}, {percent(share)}" if now.total else ""
    yield "Done", number(now.done), of_all
    ways = len(found.failures)
    failed = now.failed
    yield (
        "Failed", number(failed), f"in {counted(ways, 'way')}" if ways > 1 else "",
        "bad" if failed else "",
    )  # fmt: skip
    yield "Running", number(now.running), _at_work(now.workers)
    yield "Time left", *_left(found)
    busy = sum(one.busy for one in found.timings.workers)
    yield "Computed for", span(busy), _life(found)
    yield "Workers busy", percent(_busy_share(found)), _workers(found)


def _at_work(workers: int) -> str:
    return f"by {counted(workers, 'worker')}" if workers else "no worker is at work"


def _left(found: Findings) -> tuple[str, str]:
    now = found.snapshot
    if not now.left:
        blocked = sum(one.blocked for one in now.names)
        wait = "waits" if blocked == 1 else "wait"
        return "none", f"{number(blocked)} {wait} for what failed" if blocked else ""
    if now.time_left is None and not now.at_least:
        return "unknown", _rate(now.rate)
    if not now.workers:
        return whole_span(now.time_left or now.at_least), "for one worker"
    how = "about" if now.time_left is not None else "at least"
    return whole_span(now.time_left or now.at_least), ", ".join(
        filter(None, [how, _rate(now.rate)])
    )


def _rate(rate: float | None) -> str:
    if not rate:
        return ""
    return f"{rate:.3g} tasks/s" if rate >= 0.1 else f"{60 * rate:.2g} tasks/min"


def _life(found: Findings) -> str:
    if found.timeline is None:
        return ""
    axis = found.timeline.axis
    return f"within {whole_span(sum(one.end - one.start for one in axis.stretches))}"


def _busy_share(found: Findings) -> float | None:
    workers = found.timings.workers
    life = sum(max(0.0, one.end - one.start) for one in workers)
    return min(1.0, sum(one.busy for one in workers) / life) if life else None


def _workers(found: Findings) -> str:
    count = len(found.timings.workers)
    return f"{counted(count, 'worker')} ran tasks" if count else ""


def _notices(found: Findings) -> Iterator[Content]:
    subject = found.subject
    if subject.trouble:
        yield joined(
            tag("p", tag("b", "The jugfile can't be read."), " Here is what was recorded:"
                " tasks that were never run are not known, nor what needs what."),
            tag("p", shown(subject.trouble, 2000)),
            folding("trouble", "Traceback", long_text("Traceback", subject.traceback))
            if subject.traceback else None,
        )  # fmt: skip
    elif not found.snapshot.total:
        yield "The jugfile makes no tasks."
    elif not (found.timings.workers or found.failures or found.snapshot.running):
        yield "No task has been run yet."
    if subject.changed:
        yield _edited(subject.changed)
    if found.at_barrier:
        yield "The jugfile stops at a barrier: there may be more tasks beyond it."
    if found.snapshot.silent:
        yield f"{silence(found.snapshot.silent)}."
    yield from map(str, found.out_of_reach)
    stale = stale_results(found)
    if stale:
        link = tag("a", "See what changed", href="#code")
        yield joined(f"{stale}. ", link, ".")


def _edited(files: Sequence[str]) -> str:
    first, more = shown(files[0], _PATH), len(files) - 1
    was = f"{first} and {number(more)} more were" if more else f"{first} was"
    return (
        f"{was} edited after being read for this page, which shows the tasks and the code "
        "of before: begin jug webstatus anew."
    )
