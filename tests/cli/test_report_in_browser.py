"""The page of `jug report` in a real browser: console, width, colours, readers, search, markup."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import Result
from tests.cli.made_runs import make_run
from tests.cli.test_report import MARKUP
from tests.cli.test_webstatus import Looks, live_at

from jug import set_jugdir
from jug.errors import StoreError
from jug.session import use_store

ROOT = Path(__file__).parents[2]

sys.path.insert(0, str(ROOT / "scripts"))
from browser import Page, browser  # noqa: E402

sys.path.pop(0)

Jug = Callable[..., Result]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AXE = "axe-core@4"


@pytest.fixture(scope="module")
def only_tab(program: Callable[[str], str]) -> Iterator[Page]:
    with browser(program("chromium")) as page:
        yield page


@pytest.fixture
def tab(only_tab: Page) -> Iterator[Page]:
    """Return a tab whose console is empty; a live page looks for nothing more after the test."""
    yield only_tab
    only_tab.ask("Page.navigate", url="about:blank")
    only_tab.wait_for("location.href == 'about:blank'")
    only_tab.console.clear()


@pytest.fixture(scope="module")
def axe(unavailable: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the script that finds what readers with disabilities can't use."""
    folder, npm = tmp_path_factory.mktemp("axe"), shutil.which("npm")
    if npm is None:
        unavailable("the program npm")
    words = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AXE]
    done = subprocess.run(words, capture_output=True, timeout=300)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if done.returncode or not script.exists():
        unavailable("the npm package axe-core")
    return script.read_text()


@pytest.fixture(scope="module", params=[20, 5_000, 100_000])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a run of so many tasks by 30 workers, of which some failed."""
    folder = tmp_path_factory.mktemp("report")
    jugfile, jugdir = make_run(folder, request.param, workers=30, failing=0.005)
    path = folder / "report.html"
    words = ["report", "-o", str(path), "--jugdir", jugdir, jugfile]
    subprocess.run([sys.executable, "-m", "jug", *words], check=True, timeout=300)
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_it_writes_nothing_to_the_console_and_fits(
    tab: Page, report: Path, width: int, dark: bool
) -> None:
    tab.show(report.as_uri(), width, 900, dark)

    assert tab.console == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("document.querySelectorAll('*').length") < 20_000
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is not dark
    assert tab.evaluate(CUT_TEXTS) == []


CUT_TEXTS = """
[...document.querySelectorAll("svg.graph text, svg.ticks text")].filter((text) => {
  const box = text.getBoundingClientRect(), around = text.ownerSVGElement.getBoundingClientRect();
  return box.width && (box.left < around.left - 1 || box.right > around.right + 1);
}).map((text) => text.textContent)
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault(tab: Page, report: Path, axe: str, dark: bool) -> None:
    tab.show(report.as_uri(), 1200, 900, dark)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert faults(tab, axe) == []


def faults(tab: Page, axe: str) -> list[tuple[str, Any]]:
    tab.evaluate(f"{axe}; 0")
    found = tab.evaluate("axe.run().then((found) => JSON.stringify(found.violations))")
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in json.loads(found)
        if one["impact"] != "minor"
    ]


def test_it_can_be_printed(tab: Page, report: Path) -> None:
    tab.show(report.as_uri())

    printed = tab.ask("Page.printToPDF")["data"]

    assert len(printed) > 10_000


def test_axe_finds_no_serious_fault_in_what_changed(
    tab: Page, folder: Path, executed: Callable[..., None], axe: str
) -> None:
    executed()
    text = (folder / "primes.py").read_text()
    (folder / "primes.py").write_text(text.replace("range(2, n)", "range(2, n - 1)"))
    words = [sys.executable, "-m", "jug", "report", "primes.py"]
    subprocess.run(words, check=True, timeout=60)
    for dark in (False, True):
        tab.show((folder / "primes-report.html").as_uri(), dark=dark)
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

        assert tab.evaluate("document.querySelectorAll('ins, del').length") >= 2
        assert faults(tab, axe) == []


# The script


@pytest.fixture
def small(tmp_path: Path, tab: Page) -> Page:
    jugfile, jugdir = make_run(tmp_path, 200, workers=4, failing=0.1)
    path = tmp_path / "report.html"
    words = ["report", "-o", str(path), "--jugdir", jugdir, jugfile]
    subprocess.run([sys.executable, "-m", "jug", *words], check=True, timeout=60)
    tab.show(path.as_uri())
    return tab


NAMES = (
    "[...document.querySelectorAll('#tasks tbody tr:not([hidden]) code')].map((c) => c.textContent)"
)


def test_rows_are_found_by_what_stands_in_them(small: Page) -> None:
    small.evaluate("find.value = 'smooth'; find.dispatchEvent(new Event('input'))")

    assert small.evaluate(NAMES) == ["large.smooth"]
    assert " of " in small.evaluate("found.textContent")

    small.evaluate("find.value = ''; find.dispatchEvent(new Event('input'))")
    assert len(small.evaluate(NAMES)) == 5
    assert small.evaluate("found.textContent") == ""


def test_rows_are_chosen_by_state(small: Page) -> None:
    small.evaluate("state.value = 'failed'; state.dispatchEvent(new Event('input'))")

    shown = small.evaluate(NAMES)
    assert 0 < len(shown) < 6 and "large.collect" not in shown


def test_a_table_is_sorted_by_the_title_that_is_clicked(small: Page) -> None:
    click = "document.querySelectorAll('#tasks thead button')[9].click()"  # the median
    small.evaluate(click)
    falling = small.evaluate(NAMES)
    small.evaluate(click)

    assert falling[:2] == ["large.collect", "large.threshold"] or falling[0] == "large.threshold"
    assert small.evaluate(NAMES) == falling[::-1]
    sorted_by = small.evaluate("document.querySelector('[aria-sort]').textContent")
    assert sorted_by == "Median"


def test_all_that_can_be_clicked_can_be_reached_by_the_keyboard(small: Page) -> None:
    assert (
        small.evaluate("""
      [...document.querySelectorAll('button, summary, input, select')]
        .filter((one) => one.tabIndex < 0 && one.checkVisibility()).length
    """)
        == 0
    )


# Live


@pytest.fixture
def looks() -> Iterator[Looks]:
    yield Looks(set_jugdir("dict_store"))
    use_store(None)


def test_a_live_page_looks_anew_and_loses_nothing(tab: Page, looks: Looks) -> None:
    with live_at(looks) as url:
        tab.show(url)
        tab.evaluate(
            "find.value = 'abs'; find.focus(); document.querySelector('details').open = true"
        )
        assert tab.evaluate("document.querySelector('details').open")
        tab.evaluate("window.was = document.querySelector('#tasks tbody tr')")
        before = tab.evaluate("document.querySelector('time').textContent")

        looks.run()
        tab.wait_for("document.body.textContent.includes('1 finished')")

        assert tab.evaluate("document.querySelector('time').textContent") != before
        assert tab.evaluate("find.value === 'abs' && document.activeElement === find")
        assert tab.evaluate("document.querySelector('details').open")
        assert tab.evaluate("document.querySelector('#tasks tbody tr') === window.was")
        assert tab.console == []
    tab.wait_for("live.textContent.includes('does not answer')")


COUNTED_PAUSE = """
pause.click();
window.ask = fetch;
window.asked = 0;  // from now on; one question may be under way
window.fetch = (...what) => { asked += 1; return ask(...what); };
0
"""


def test_a_live_page_can_be_paused(tab: Page, looks: Looks) -> None:
    with live_at(looks) as url:
        tab.show(url)
        tab.evaluate(COUNTED_PAUSE)
        assert tab.evaluate("live.textContent") == "paused"
        tab.evaluate("new Promise((done) => setTimeout(done, 3000))")
        assert tab.evaluate("asked") == 0

        tab.evaluate("pause.click()")
        looks.run()
        tab.wait_for("document.body.textContent.includes('1 finished')")
        assert tab.evaluate("asked") > 0


def test_why_there_is_nothing_new_is_said_beside_what_was_last_seen(
    tab: Page, looks: Looks
) -> None:
    with live_at(looks) as url:
        tab.show(url)
        looks.trouble = StoreError("the server of 'redis://<b>x</b>' does not answer")
        tab.wait_for("live.textContent == \"the server of 'redis://<b>x</b>' does not answer\"")

        assert tab.evaluate("document.body.textContent.includes('builtins.abs')")
        assert tab.evaluate("live.classList.contains('bad-text')")

        looks.trouble = None
        tab.wait_for("live.textContent == 'live' && !live.classList.contains('bad-text')")


def test_a_server_that_was_started_anew_is_told_from_one_that_has_ended(
    tab: Page, looks: Looks
) -> None:
    with live_at(looks) as url:
        tab.show(url)
        tab.evaluate("history.replaceState(null, '', '/?token=of-the-one-before')")
        tab.wait_for("live.textContent == 'jug webstatus was started anew: open its new URL'")


def test_what_is_selected_stays_and_that_nothing_is_looked_at_meanwhile_is_said(
    tab: Page, looks: Looks
) -> None:
    with live_at(looks) as url:
        tab.show(url)
        tab.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
        tab.wait_for("live.textContent == 'paused while text is selected'")
        count = looks.count
        tab.evaluate("getSelection().removeAllRanges()")
        tab.wait_for("live.textContent == 'live'")

        assert looks.count > count


def test_axe_finds_no_serious_fault_in_a_live_page(tab: Page, looks: Looks, axe: str) -> None:
    with live_at(looks) as url:
        tab.show(url)
        tab.ask("Page.setBypassCSP", enabled=True)
        assert faults(tab, axe) == []
        tab.ask("Page.setBypassCSP", enabled=False)


JUGFILE = f"""
from jug import Task
MARKUP = {MARKUP!r}
def f(x): raise ValueError(MARKUP)
task = Task(f, MARKUP)
task.name = MARKUP
"""


def test_markup_does_nothing(tab: Page, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(JUGFILE)
    for words in (["execute", "--keep-going"], ["report", "-o", "odd.html"]):
        subprocess.run(
            [sys.executable, "-m", "jug", *words, "odd.py"], cwd=tmp_path, env={**os.environ},
            capture_output=True, timeout=60,
        )  # fmt: skip
    tab.show((tmp_path / "odd.html").as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert tab.console == []
    assert tab.evaluate("document.querySelectorAll('img').length") == 0
    assert tab.evaluate("document.scripts.length") == 1
    assert MARKUP in tab.evaluate("document.querySelector('#tasks tbody code').textContent")
    assert "<script>alert(1)" in tab.evaluate("document.querySelector('#failures').textContent")
