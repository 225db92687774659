"""The documentation as a site: it is built, all its links lead somewhere, and its search finds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.stem for path in ROOT.glob("docs/*.md"))

sys.path.insert(0, str(ROOT / "scripts"))
from browser import Page, browser  # noqa: E402
from check_links import dead_links  # noqa: E402
from make_api_page import module_of, offered  # noqa: E402
from make_comparison import PAGE as COMPARISON  # noqa: E402
from make_comparison import figures, figures_in_turn, page  # noqa: E402

sys.path.pop(0)

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, unavailable: Callable[[str], NoReturn]) -> Path:
    """Return the folder of the site, as `hatch run docs` builds it."""
    if find_spec("furo") is None:
        unavailable("the distribution furo")
    folder = tmp_path_factory.mktemp("site")
    scripts = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]["default"]["scripts"]
    program, *words, _ = scripts["docs"][0].split()
    assert program == "sphinx-build" and "--fail-on-warning" in words
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, folder],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


# Its pages and links


@slow
def test_every_page_is_in_the_navigation(site: Path) -> None:
    links = set(re.findall(r'href="([\w-]+)\.html"', (site / "stores.html").read_text()))

    assert {*PAGES} - links == {"stores"}  # which is where this one is
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


@slow
def test_no_link_of_the_site_is_dead(site: Path) -> None:
    assert list(dead_links(site)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(
        '<a id="here" href="two.html#there">x</a> <a href="#here">x</a> <a href="two.html">x</a>'
        '<img src="gone.png"> <a href="https://jug.test/gone">x</a> <a href="#gone">x</a>'
        '<a href="two.html#here">x</a>'
    )
    (tmp_path / "two.html").write_text('<p id="there">x</p>')

    assert list(dead_links(tmp_path)) == [
        "one.html: gone.png: there is no such file",
        "one.html: #gone: there is no such place",
        "one.html: two.html#here: there is no such place",
    ]


# The reference


@slow
def test_the_reference_misses_no_name_that_a_module_offers(site: Path) -> None:
    reference = (site / "api.html").read_text()
    told = set(re.findall(r'<span class="pre">([\w.]+)', reference))
    told |= set(re.findall(r">(jug[\w.]*)<", reference))  # the headings
    sources = {
        path: ast.parse(path.read_text()) for path in ROOT.glob("packages/*/src/jug/**/*.py")
    }
    names = {(module_of(path), name) for path, tree in sources.items() for name in offered(tree)}

    assert len(names) > 500
    assert sorted(module for module, _ in names if module not in told) == []
    assert sorted(pair for pair in names if pair[1] not in told) == []


def test_the_reference_misses_no_command() -> None:
    import click

    from jug.cli import main

    page = (ROOT / "docs" / "commands.md").read_text()
    described = re.findall(r"^## jug (\S+)$", page, re.MULTILINE)

    assert sorted(described) == sorted(main.list_commands(click.Context(main)))


# The comparison


def test_its_figures_are_those_that_were_measured() -> None:
    """If not, run scripts/make_comparison.py."""
    assert COMPARISON.read_text() == page()


def test_a_row_is_compared_where_others_did_the_same_work() -> None:
    def row(title: str, baseline_name: str, **samples: list[float]) -> dict[str, object]:
        found = {who: [{"value": value} for value in values] for who, values in samples.items()}
        return {"title": title, "unit": "s", "baseline_name": baseline_name, "samples": found}

    rows = [
        row("one", "jug 2.7.0", ours=[1.0, 9.0, 2.0], baseline=[1234.5], dask=[0.1234]),
        row("two", "10,000 tasks", ours=[1.0], baseline=[2.0]),
        row("three", "", ours=[1.0], joblib=[3.0]),
    ]

    assert figures({"rows": rows}).splitlines() == [
        "| work | this project | jug 2.7.0 | dask | joblib |",
        "| --- | --- | --- | --- | --- |",
        "| one | 2 s | 1,234 s | 0.123 s |  |",
        "| three | 1 s |  |  | 3 s |",
    ]


def test_a_program_that_was_measured_in_turn_has_a_row_for_each_work() -> None:
    def row(title: str, program: str, own: list[float], other: list[float]) -> dict[str, object]:
        samples = {
            "ours": [{"value": one} for one in own],
            "baseline": [{"value": one} for one in other],
        }
        return {"title": title, "unit": "s", "baseline_name": program, "samples": samples}

    rows = [
        row("warm", "a 1.0", [1.0], [2.0]),
        row("cold", "b", [3.0, 9.0, 4.0], [0.5]),
        row("cold", "a 1.0", [5.0], [6.0]),
    ]

    assert figures_in_turn({"rows": rows}).splitlines() == [
        "| work | program | it took | this project |",
        "| --- | --- | --- | --- |",
        "| warm | a 1.0 | 2 s | 1 s |",
        "| cold | b | 0.5 s | 4 s |",
        "| cold | a 1.0 | 6 s | 5 s |",
    ]


# From a disk


@pytest.fixture(scope="module")
def tab(program: Callable[[str], str]) -> Iterator[Page]:
    with browser(program("chromium")) as page:
        yield page


@slow
def test_the_search_works_from_a_disk(site: Path, tab: Page) -> None:
    tab.show((site / "index.html").as_uri())
    tab.evaluate("document.querySelector('.sidebar-search').value = 'cached_glob'")
    tab.evaluate("document.querySelector('.sidebar-search-container').submit()")
    tab.wait_for("document.querySelectorAll('#search-results li a').length >= 2")
    found = tab.evaluate("[...document.querySelectorAll('#search-results li a')].map(a => a.href)")
    pages = {url.partition("#")[0].partition("?")[0].rpartition("/")[2] for url in found}

    assert {"helpers.html", "api.html"} <= pages

    tab.evaluate("document.querySelector('#search-results li a[href*=\"helpers\"]').click()")
    tab.wait_for("document.title.startsWith('Helpers')")
    assert tab.console == []


@slow
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("rerun", "why"),
        ("clear cache", "faq"),
        ("delete results", "faq"),
        ("ssh", "faq"),
        ("slurm", "slurm"),
        ("retry", "faq"),
        ("random seed", "random-numbers"),
        ("notebook", "results"),
        ("redis password", "redis"),
    ],
)
def test_what_people_look_for_is_found(site: Path, tab: Page, words: str, page: str) -> None:
    tab.show((site / "search.html").as_uri() + "?q=" + words.replace(" ", "+"))
    tab.wait_for(f"document.querySelector('#search-results li a[href*=\"{page}.html\"]') !== null")


@slow
def test_the_navigation_of_a_narrow_window_opens_by_keyboard(site: Path, tab: Page) -> None:
    tab.show((site / "index.html").as_uri(), width=400)

    for box in ("__navigation", "__toc"):
        tab.evaluate(f"document.getElementById('{box}').focus()")

        assert tab.evaluate("document.activeElement.id") == box
        assert tab.evaluate("document.activeElement.ariaLabel")


@slow
@pytest.mark.parametrize("page", ["index", "start", "cells", "commands", "api", "comparison"])
def test_a_page_fits_into_a_narrow_window(site: Path, tab: Page, page: str) -> None:
    tab.show((site / f"{page}.html").as_uri(), width=400)

    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    assert tab.console == []
