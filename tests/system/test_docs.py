"""The documentation, tried out."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.system.pages import BLOCK, FILE, blocks, check_page

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("packages/*/*.md"))]
RUN = [p for p in PAGES if "```console" in p.read_text() and p.name != "start.md"]
SOURCES = [*ROOT.glob("packages/*/src/jug/**/*.py")]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HURRY = """
import time
_sleep = time.sleep
def sleep(seconds):
    _sleep(0.01 if seconds == 1.0 else seconds)
time.sleep = sleep
"""
"""The demo's tasks sleep a second each, and the reader has time to watch."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# Commands and files


@pytest.mark.parametrize("page", RUN, ids=named)
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    (tmp_path / "hurry").mkdir()
    (tmp_path / "hurry" / "sitecustomize.py").write_text(_HURRY)
    (tmp_path / "work").mkdir()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "hurry"), os.environ.get("PYTHONPATH", "")]),
        "HOME": str(tmp_path / "home"),
    }

    check_page(page, tmp_path / "work", environment, timeout=280)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_is_run_as_a_session_or_as_a_file(page: Path) -> None:
    runs_files = "```console" in page.read_text()
    for block in blocks(page):
        if block.language == "python" and ">>>" not in block.text:
            compile(block.text, page.name, "exec")
            assert not runs_files or FILE.match(block.text), block.text


def test_the_readme_shows_the_example_as_it_is() -> None:
    (shown,) = [b.text for b in blocks(ROOT / "README.md") if b.language == "python"]

    assert shown.partition("\n")[2].strip() in (ROOT / "examples" / "primes.py").read_text()


# Links


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(BLOCK.sub("", page.read_text())):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()

    assert [page.name for page in DOCS if f"({page.name})" not in index] == ["README.md"]


# Commands in the text

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`")
_CALL = re.compile(r"jug ([a-z][\w-]*)((?: +[^\s|;&>]+)*)")
_OPTION = re.compile(r"(?<= )--[a-z][\w-]+")
NO_COMMANDS = {"slowest", "file"}  # one that a page makes; the head of a file is `jug file …`
OF_OTHERS = {"--epochs", "--kepgoing", "--jugd", "--requeue", "--signal"}
"""Options of jugfiles and of batch systems, and those that a page shows to be wrong."""


def options() -> dict[str, set[str]]:
    import click

    from jug.cli import main

    context = click.Context(main)
    return {
        name: {
            option for param in command.params for option in (*param.opts, *param.secondary_opts)
        }
        | OF_OTHERS
        | {"--help"}
        for name in main.list_commands(context)
        if (command := main.get_command(context, name)) is not None
    }


def spans(page: Path) -> list[str]:
    """Return what stands in the text of a page as code, and the lines of its indented blocks."""
    text = BLOCK.sub("", page.read_text())
    shell = [b.text for b in blocks(page) if b.language in ("console", "sh")]
    lines = [line.removeprefix("$ ") for block in shell for line in block.splitlines()]
    return [*_SPAN.findall(text), *re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE), *lines]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_in_the_text_are_those_that_there_are(page: Path) -> None:
    known = options()
    every = set().union(*known.values())
    for span in spans(page):
        if alone := re.match(r"--[a-z][\w-]+", span):
            assert alone[0] in every, span
        if call := _CALL.match(span):
            command, words = call.groups()
            assert command in known.keys() | NO_COMMANDS, span
            assert {*_OPTION.findall(words.partition(" -- ")[0])} <= known.get(command, set()), span


# Names

PROMISED = {
    "jug": "Task Tasklet TaskGenerator CachedFunction CompoundTask CompoundTaskGenerator barrier "
    "bvalue init is_jug_running iteratetask return_tuple set_jugdir value run",
    "jug.task": "recursive_dependencies topological_sort describe return_tuple",
    "jug.mapreduce": "mapreduce map reduce currymap",
    "jug.compound": "CompoundTask CompoundTaskGenerator",
    "jug.barrier": "barrier bvalue",
    "jug.unsafe": "NoHash",
    "jug.io": "NoLoad write_task_out write_metadata print_task_summary_table",
    "jug.utils": "timed_path CustomHash identity jug_execute cached_glob sync_move value_after",
    "jug.hooks": "register_hook register_hook_once jug_hook reset_all_hooks",
    "jug.hooks.exit_checks": "exit_after_n_tasks exit_after_time exit_env_vars "
    "exit_if_file_exists exit_when_true",
    "jug.hash": "hash_one new_hash_object hash_update register",
    "jug.jug": "main",
    "jug.backends.file_store": "file_store",
    "jug.backends.dict_store": "dict_store",
}


@pytest.mark.parametrize("module", PROMISED)
def test_every_name_has_an_example_and_stands_in_the_documentation(module: str) -> None:
    texts = "\n".join(page.read_text() for page in DOCS)
    for name in PROMISED[module].split():
        thing: Any = getattr(import_module(module), name)
        assert ">>> " in (inspect.getdoc(thing) or ""), name
        assert re.search(rf"`{name}\b", texts), name


def test_the_page_of_names_is_up_to_date() -> None:
    """If not, run scripts/make_api_page.py."""
    program = "import make_api_page; print(make_api_page.page(), end='')"

    made = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "scripts", capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert made.stdout == (ROOT / "docs" / "api.md").read_text()


# Messages


def test_messages_are_worded_as_the_page_of_problems_says() -> None:
    page = (ROOT / "docs" / "problems.md").read_text()
    messages = re.findall(r"^### `(.*)`$", page, re.MULTILINE)
    known = {" ".join(text.split()) for source in SOURCES for text in string_literals(source)}
    lines = "\n".join(known)

    assert len(messages) > 20
    for message in messages:
        wanted = ".*".join(map(re.escape, message.strip("…").split("…")))
        assert re.search(wanted, lines), message


def string_literals(source: Path) -> Iterator[str]:
    """Yield the strings of a module, with … where something is filled in."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_page_of_workers_lists_the_exit_statuses() -> None:
    from jug.execution.summary import Ending

    page = (ROOT / "docs" / "workers.md").read_text()
    listed = {int(status) for status in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert listed == {ending.status for ending in Ending} | {2}
