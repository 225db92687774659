"""`jug report`: one page that tells the whole run, as a file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path

import pytest
from click.testing import Result
from tests.cli.made_runs import make_run

from jug import Task, set_jugdir
from jug.backends._file import marker
from jug.backends.base import BaseStore
from jug.backends.frames import Frame, Kind
from jug.backends.process import Process
from jug.backends.worker_record import WorkerRecord
from jug.codec import encode
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.report.findings import Subject, find
from jug.report.page import page
from jug.session import use_store
from jug.views.machines import versions
from jug.views.workforce import Workforce
from jug.workers import Life, Worker

Jug = Callable[..., Result]


class Outline(HTMLParser):
    """What a page is made of: its elements, the sections with their texts, what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.sections: dict[str, str] = {}
        self.links: list[str] = []
        self.open: list[str] = []
        self._section = ""
        self.feed(text)
        self.close()
        assert self.open == [], "elements that are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append(tag)
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)
        if tag == "section":
            self._section = given["id"] or ""
            self.sections[self._section] = ""
        self.links += [given[key] or "" for key in ("href", "src", "action") if key in given]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} is closed where another element is open"

    def handle_data(self, data: str) -> None:
        if self._section:
            self.sections[self._section] += f"{data} "


def made(folder: Path, name: str = "primes-report.html") -> Outline:
    return Outline((folder / name).read_text())


# The page


def test_a_page_is_written_beside_the_jugfile(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()

    told = jug("report", "primes.py").output

    path = folder / "primes-report.html"
    assert re.fullmatch(rf"{re.escape(str(path))} written, \d+\.\d KB\n", told)
    outline = made(folder)
    assert "7 finished" in outline.sections["summary"]
    assert "primes.is_prime" in outline.sections["tasks"]
    assert "primes.count_primes" in outline.sections["graph"]
    assert "Critical path" in outline.sections["path"]
    assert "1 other has ended" in outline.sections["workers"]
    assert "Python" in outline.sections["versions"]
    assert "failures" not in outline.sections


def test_it_fetches_nothing(folder: Path, jug: Jug, executed: Callable[..., None]) -> None:
    executed()
    jug("report", "primes.py")

    assert made(folder).links == ["data:,"]
    text = (folder / "primes-report.html").read_text()
    assert not re.search(r"https?:|@import|url\(", text)


def test_failures_have_their_tracebacks_calls_and_output(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "failing.py").write_text(
        "from jug import TaskGenerator\n@TaskGenerator\ndef bad(number):\n"
        "    print('looking')\n    raise ValueError(f'no luck with {number}')\n"
        "@TaskGenerator\ndef after(x): return x\n"
        "for number in range(12): after(bad(number))\n"
    )
    executed("failing.py", keep_going=True)

    jug("report", "failing.py")

    outline = made(folder, "failing-report.html")
    told = " ".join(outline.sections["failures"].split())
    assert "12 tasks : ValueError at failing.py:5, in bad" in told
    assert "failing.bad(3)" in told and "no luck with 3" in told
    assert "failing.bad(11)" not in told and "and 2 more" in told
    assert "Traceback (most recent call last)" in told
    summary = " ".join(outline.sections["summary"].split())
    assert "12 failed" in summary and "12 wait for what failed" in summary


def test_its_figures_are_those_of_the_commands(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    jug("report", "primes.py")

    longest = jug("timings", "--short", "primes.py").output.splitlines()[2:]

    shown = made(folder).sections["tasks"].split()
    for line in longest:
        count, *times, name = line.split()
        assert name in shown and count in shown
        assert {time for time in times if time.isdecimal()} <= set(shown)


def test_nothing_that_took_no_time_is_said_to_have_taken_0(folder: Path, jug: Jug) -> None:
    jug("report", "primes.py")

    outline = made(folder)
    assert not re.search(r"\b0 (µs|ms|s)\b", " ".join(outline.sections.values()))
    assert "No task has been run yet." in outline.sections["summary"]
    assert "time" not in outline.sections and "path" not in outline.sections


def test_a_jugfile_without_tasks_has_a_page(folder: Path, jug: Jug) -> None:
    (folder / "empty.py").write_text("")

    jug("report", "empty.py")

    outline = made(folder, "empty-report.html")
    assert "The jugfile makes no tasks." in outline.sections["summary"]
    assert "There are none." in outline.sections["tasks"]


def test_a_barrier_is_told(folder: Path, jug: Jug) -> None:
    (folder / "wall.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")

    jug("report", "wall.py")

    assert "stops at a barrier" in made(folder, "wall-report.html").sections["summary"]


# The code


def test_results_of_other_code_are_told_with_what_changed(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    text = (folder / "primes.py").read_text()
    (folder / "primes.py").write_text(text.replace("range(2, n)", "range(2, n - 1)"))

    jug("report", "primes.py")

    outline = made(folder)
    assert "6 results of primes.is_prime came from older code" in outline.sections["summary"]
    code = " ".join(outline.sections["code"].split())
    assert "6 stale results of primes.is_prime : primes.is_prime has changed" in code
    assert "- return all(n % divisor for divisor in range(2, n))" in code
    assert "+ return all(n % divisor for divisor in range(2, n - 1))" in code
    assert "jug invalidate --stale has them computed again" in code
    assert "ins" in outline.elements and "del" in outline.elements


def test_results_of_the_code_of_now_are_told_as_such_and_no_more(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()

    jug("report", "primes.py")

    outline = made(folder)
    assert "No result came from older code" in outline.sections["code"]
    assert "code" not in outline.sections["summary"]


def test_what_cant_be_seen_of_code_is_told(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "blind.py").write_text(
        "from jug import TaskGenerator\nimport math\n@TaskGenerator\ndef f(name):\n"
        "    return getattr(math, name)(2)\nf('sqrt')\n"
    )
    executed("blind.py")

    jug("report", "blind.py")

    code = made(folder, "blind-report.html").sections["code"]
    assert "getattr" in code and "Code that jug can't see" in code


def test_where_the_jugfile_cant_be_read_nothing_is_said_of_code(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    (folder / "primes.py").write_text("1 / 0\n")

    jug("report", "primes.py", status=1)

    assert "code" not in made(folder).sections


# Where it is written


def test_an_existing_file_is_overwritten_and_keeps_no_trace(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    (folder / "page.html").write_text("before")

    jug("report", "-o", "page.html", "primes.py")

    assert (folder / "page.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_who_may_not_read_the_page_before_may_not_read_the_new_one(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed("primes.py")
    page = folder / "primes-report.html"
    page.touch(0o600)

    jug("report", "primes.py")

    assert page.read_text() and page.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_one(folder: Path, jug: Jug) -> None:
    (folder / "kept").mkdir()
    (folder / "page.html").symlink_to(folder / "kept" / "real.html")

    jug("report", "-o", "page.html", "primes.py")

    assert (folder / "page.html").is_symlink()
    assert (folder / "kept" / "real.html").read_text().startswith("<!doctype html>")


def test_the_standard_output_gets_the_page_and_nothing_else(
    folder: Path, jug_process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (folder / "loud.py").write_text("from jug import Task\nprint('hello')\nTask(abs, -1)\n")

    done = jug_process("report", "-o", "-", "loud.py")

    assert done.stdout.startswith("<!doctype html>") and done.stdout.endswith("</html>\n")
    assert done.stderr == "hello\n"
    assert not (folder / "loud-report.html").exists()


WITH_PROC = pytest.mark.skipif(sys.platform != "linux", reason="there is no such folder elsewhere")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".", "it is a folder"),
        ("no/such/page.html", "there is no such folder"),
        pytest.param("/proc/page.html", "No such file or directory", marks=WITH_PROC),
        ("x" * 300, "File name too long"),
    ],
)
def test_where_it_cant_be_written_is_told(jug: Jug, path: str, why: str) -> None:
    told = jug("report", "-o", path, "primes.py", status=1).output

    assert told.startswith("Error: '") and told.endswith(f"' can't be written: {why}\n")


# What can't be read


def test_of_a_jugfile_that_cant_be_read_what_was_recorded_is_told(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed(keep_going=True)
    (folder / "primes.py").write_text("import no_such_module_anywhere\n")

    told = jug("report", "primes.py", status=1)

    assert "The page tells only what was recorded: the jugfile 'primes.py'" in told.stderr
    outline = made(folder)
    assert "The jugfile can't be read." in outline.sections["summary"]
    assert "no_such_module_anywhere" in outline.sections["summary"]
    assert "7 finished" in outline.sections["summary"]
    assert "primes.is_prime" in outline.sections["tasks"]
    assert "graph" not in outline.sections


def test_failures_are_told_too_with_the_arguments_that_were_recorded(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "calls.py").write_text("from jug import Task\ndef f(x): 1 / x\nTask(f, 0)\n")
    executed("calls.py", keep_going=True)
    (folder / "calls.py").write_text("raise KeyError('secret')\n")

    jug("report", "calls.py", status=1)

    outline = made(folder, "calls-report.html")
    assert "calls.f(0)" in outline.sections["failures"]
    assert "KeyError" in outline.sections["summary"]


def test_of_a_jugfile_that_is_gone_the_store_still_tells(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    (folder / "primes.py").unlink()

    jug("report", "primes.py", status=1)

    assert "7 finished" in made(folder).sections["summary"]


def test_without_a_jugfile_and_a_jugdir_there_is_nothing_to_tell(folder: Path, jug: Jug) -> None:
    told = jug("report", "prime.py", status=1)

    assert "there is no jugfile 'prime.py'" in told.output
    assert not (folder / "prime-report.html").exists()
    assert not (folder / "prime.jugdata").exists()


def test_a_task_that_has_no_hash_hinders_no_page(folder: Path, jug: Jug) -> None:
    (folder / "odd.py").write_text("from jug import Task\nTask(sum, (n for n in range(3)))\n")

    jug("report", "odd.py", status=1)

    assert "generator" in made(folder, "odd-report.html").sections["summary"]


def test_a_jugdir_of_another_version_is_told(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    executed()
    lines = marker.text().rpartition("sum ")[0].replace(f"store {marker.MAJOR}.", "store 99.")
    (folder / "primes.jugdata" / "format").write_text(marker.with_sum(lines))

    told = jug("report", "primes.py", status=1)

    assert f"has the format 99.0, this jug knows {marker.MAJOR}" in told.output
    assert not (folder / "primes-report.html").exists()


# Odd content


@pytest.fixture
def store() -> Iterator[BaseStore]:
    yield set_jugdir("dict_store")
    use_store(None)


def failed(store: BaseStore, task: Task[int], **noted: object) -> None:
    record = Record(task.name, 100.0, 1.0, worker="node1:7")._replace(**noted)
    store.put(Frame(Kind.FAILURE, task.digest, pack(record)))


def page_of(store: BaseStore, *tasks: Task[int], jugfile: str = "odd.py") -> str:
    text = page(find(Jugspace(store, list(tasks)), Subject(jugfile, store.url)))
    text.encode()  # it can be written
    return text


MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;"


def test_markup_is_shown_as_text_wherever_it_stands(store: BaseStore) -> None:
    plain = len(Outline(page_of(store, Task(abs, 1))).elements)
    task = Task(abs, MARKUP)
    task.name = f"m.{MARKUP}"
    failed(
        store, task, exception=f"E{MARKUP}: {MARKUP}", traceback=f'  File "{MARKUP}", line 1\n',
        output=MARKUP, worker=f"{MARKUP}:7",
    )  # fmt: skip

    text = page_of(store, task, jugfile=MARKUP)

    outline = Outline(text)
    assert outline.elements.count("script") == 1 and "img" not in outline.elements
    assert "<script>alert" not in text and "onerror=alert" in text  # as text
    assert len(outline.elements) > plain
    assert "</script><script>alert(1)</script>" in outline.sections["failures"]


@pytest.mark.parametrize(
    "odd", ["\x1b[2J", "\u202egnirts", "\ud800", "\x00", "\u2066", "\ufeff", "\xad", "\U000e0041"]
)
def test_what_cant_be_seen_is_shown_as_its_code(store: BaseStore, odd: str) -> None:
    task = Task(abs, 1)
    failed(store, task, exception=f"E: {odd}", traceback=odd, output=odd)

    text = page_of(store, task, jugfile=f"odd{odd}.py")

    assert odd not in text
    assert ascii(odd[0])[1:-1] in text


def test_very_long_texts_are_cut(store: BaseStore) -> None:
    task = Task(abs, 1)
    task.name = "m." + "f" * 100_000
    long = "x" * 1_000_000
    failed(store, task, exception=f"{long}: {long}", traceback=long, output=long, worker=long)

    assert len(page_of(store, task)) < 150_000


@pytest.mark.parametrize("odd", [nan, inf, -inf, -1e9, 1e300, -0.0, 5e-324])
@pytest.mark.parametrize("field", ["start", "duration", "cpu"])
def test_odd_times_in_a_record_hinder_no_page(store: BaseStore, field: str, odd: float) -> None:
    tasks = [Task(abs, number) for number in range(4)]
    good = Record("builtins.abs", 100.0, 1.0, worker="node1:7")
    for task, record in zip(tasks, [good, good._replace(**{field: odd}), good], strict=False):
        store.put(Frame(Kind.RESULT, task.digest, pack(record), encode(1)))
    failed(store, tasks[3], **{field: odd})

    outline = Outline(page_of(store, *tasks))

    assert "3 finished" in outline.sections["summary"]
    shown = " ".join(outline.sections.values())
    assert not re.search(r"\bnan\b|\binf\b|[-−]\d+(\.\d)? (s|min|h|d)\b", shown)


def test_a_clock_that_jumped_by_decades_hides_no_other_run(store: BaseStore) -> None:
    tasks = [Task(abs, number) for number in range(20)]
    for number, task in enumerate(tasks):
        start = 0.0 if number == 7 else 1.7e9 + number
        record = Record("builtins.abs", start, 1.0, worker=f"node1:{number}")
        store.put(Frame(Kind.RESULT, task.digest, pack(record), encode(1)))

    found = find(Jugspace(store, tasks), Subject("odd.py", "here"))

    assert found.timeline is not None
    width = min(lane.bars[0].width for lane in found.timeline.lanes)
    assert width > 0.03
    assert "1 pause without work" in Outline(page(found)).sections["time"]


def test_workers_that_died_are_told(store: BaseStore) -> None:
    task = Task(abs, 1)
    gone = WorkerRecord("0123456789abcdef", Process("node7", "", "", 7, ""), start=5.0)
    found = find(Jugspace(store, [task]), Subject("odd.py", "here"))

    worker = Worker(gone.id, gone.process, Life.SILENT, silence=840.0, lease=120.0, start=5.0)
    told = Outline(page(replace(found, workforce=Workforce([worker], {}, 3, 2, 120.0))))

    text = " ".join(told.sections["workers"].split())
    assert "1 worker: 1 silent for longer than the lease of 2 min." in text
    assert "3 others have ended, and 2 died." in text
    assert "node7:7 silent 14 min ago" in text


def test_workers_with_several_versions_of_a_package_are_told(store: BaseStore) -> None:
    one = WorkerRecord.here("0123456789abcdef")._replace(python="3.11.2", packages={"numpy": "1"})
    found = find(Jugspace(store, [Task(abs, 1)]), Subject("odd.py", "here"))
    told = versions([one, one._replace(packages={"numpy": "2"})])

    shown = Outline(page(replace(found, versions=told))).sections["versions"]

    assert "several versions of numpy" in shown


# How large it is


def test_many_names_links_and_ways_to_fail_are_bounded(store: BaseStore) -> None:
    tasks = [Task(abs, 0)]
    for number in range(600):
        task = Task(max, tasks[-1], number)
        task.name = f"m.f{number}"
        tasks.append(task)
        failed(store, task, exception=f"E{number}: x", traceback=f"E{number}", output="x" * 9000)

    text = page_of(store, *tasks)

    outline = Outline(text)
    assert len(outline.elements) < 20_000 and len(text) < 500_000
    assert "481 more names are not shown." in outline.sections["tasks"]
    assert "560 more ways to fail are not shown." in outline.sections["failures"]


def test_the_page_does_not_grow_with_the_tasks(tmp_path: Path, jug: Jug) -> None:
    sizes = []
    for tasks in (1000, 5000):
        jugfile, jugdir = make_run(tmp_path, tasks, workers=4, failing=0.01)
        jug("report", "-o", str(tmp_path / "page.html"), "--jugdir", jugdir, jugfile)
        sizes.append(os.path.getsize(tmp_path / "page.html"))

    assert max(sizes) < 120_000


def test_the_module_of_the_page_is_imported_only_where_it_is_made() -> None:
    code = "import sys, jug.cli.report, jug.cli.webstatus; print('jug.report' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
