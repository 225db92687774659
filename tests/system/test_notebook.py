"""`jug.run` in the cells of a notebook, run by the kernel that Jupyter uses."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.slow  # starting a kernel takes seconds

SECONDS = 60
EXAMPLES = Path(__file__).parents[2] / "examples"

FUNCTIONS = """
import os, time
import jug
from journal import log
from jug import TaskGenerator

@TaskGenerator
def part(i):
    log(i, os.getpid())
    time.sleep(0.02)
    return i

@TaskGenerator
def total(parts):
    return sum(parts)

@TaskGenerator
def inverse(i):
    return 1 / i
"""

BESIDE_ANOTHER = FUNCTIONS.replace(
    "    time.sleep(0.02)\n",
    "    while len({line.split()[1] for line in open('log')}) < 2:\n        time.sleep(0.01)\n",
)
"""The same, where no worker can do all parts before another has begun one."""


class Notebook:
    """A kernel, and what its cells gave."""

    def __init__(self, kernel, client) -> None:
        self.kernel = kernel
        self.client = client

    def begin(self, code):
        """Start a cell."""
        return self.client.execute(code)

    def end(self, cell, form="text/plain"):
        """Return a cell's error or value, as text or in another form, once it has ended."""
        shown = ""
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_result":
                shown = content["data"][form]
            elif kind == "error":
                shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return shown

    def messages(self, code):
        """Return all that a cell sends, as kinds and contents."""
        cell, said = self.begin(code), []
        while ("status", {"execution_state": "idle"}) not in said:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") == cell:
                said.append((message["msg_type"], message["content"]))
        return said

    def run(self, code):
        """Return a cell's error or value, as text."""
        return self.end(self.begin(code))


@pytest.fixture
def notebook(folder, journal):
    kernel = KernelManager(transport="ipc", ip=str(folder / "kernel"))
    kernel.start_kernel()
    client = kernel.client()
    client.start_channels()
    client.wait_for_ready(timeout=SECONDS)
    yield Notebook(kernel, client)
    client.stop_channels()
    kernel.shutdown_kernel(now=True)


def test_the_notebook_among_the_examples_runs_and_runs_again(notebook):
    text = json.loads((EXAMPLES / "walks.ipynb").read_text())
    cells = [cell for cell in text["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)

    for _ in range(2):
        shown = [notebook.run("".join(cell["source"])) for cell in cells]
        assert not any("Traceback" in one for one in shown)

    distances = ast.literal_eval(notebook.run("distances"))
    assert [*distances] == [100, 400, 1600]
    assert all(0.7 < away / steps**0.5 < 1.1 for steps, away in distances.items())


def test_a_cell_gets_the_values_of_functions_of_other_cells(notebook, journal):
    notebook.run(BESIDE_ANOTHER)
    notebook.run("answer = total([part(i) for i in range(20)])")

    assert notebook.run("jug.run(answer, workers=4, jugdir='jd')") == "190"

    assert len(journal()) == 20
    assert 1 < len({pid for _, pid in journal()}) <= 4
    assert notebook.run("jug.run([answer, part(100)], workers=2, jugdir='jd')") == "[190, 100]"
    assert len(journal()) == 21


def test_a_cell_shows_a_task_with_what_became_of_it(notebook):
    notebook.run(FUNCTIONS)
    notebook.run("store = jug.set_jugdir('jd'); zero = inverse(0)")

    before = notebook.end(notebook.begin("zero"), "text/html")
    notebook.run("jug.run(zero)")
    after = notebook.end(notebook.begin("zero"), "text/html")

    assert "__main__.inverse(0)" in before and "not done" in before
    assert "ZeroDivisionError: division by zero" in after and "<details>" in after
    assert "jug show" in notebook.run("zero.value()")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_shows_what_failed_and_the_kernel_goes_on(notebook, workers):
    notebook.run(FUNCTIONS)

    shown = notebook.run(f"jug.run([inverse(2), inverse(0)], {workers}, 'jd', keep_going=True)")

    assert "TaskFailed" in shown and "return 1 / i" in shown and "ZeroDivisionError" in shown
    assert notebook.run(f"jug.run(inverse(2), {workers}, 'jd')") == "0.5"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_cell_that_is_interrupted_gives_its_tasks_back(
    notebook, folder, journal, workers, wait_for
):
    notebook.run(FUNCTIONS)
    cell = notebook.begin(f"jug.run([part(i) for i in range(10_000)], {workers}, 'jd')")
    wait_for(journal)

    notebook.kernel.interrupt_kernel()

    assert "KeyboardInterrupt" in notebook.end(cell)
    assert list((folder / "jd" / "leases").iterdir()) == []
    assert notebook.run("jug.run(part(-1), 2, 'jd')") == "-1"


def test_a_cell_shares_a_jugdir_with_workers_of_the_command_line(
    notebook, journal, write, start, wait_for
):
    write(BESIDE_ANOTHER + "answer = total([part(i) for i in range(200)])\n", "shared.py")
    worker = start("execute", "shared.py", "--jugdir", "jd")
    wait_for(journal)
    notebook.run("import jug")
    notebook.run("store, names = jug.init('shared.py', 'jd')")

    assert notebook.run("jug.run(names['answer'], workers=2)") == str(sum(range(200)))

    out, err = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 0, err
    assert set(Counter(i for i, _ in journal()).values()) == {1}
    assert 1 < len({pid for _, pid in journal()}) <= 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_shows_a_bar_that_fills(notebook, workers):
    notebook.run(FUNCTIONS)

    said = notebook.messages(f"jug.run([part(i) for i in range(30)], {workers}, 'jd')")

    shown = [content["data"] for kind, content in said if kind == "display_data"]
    assert len(shown) == 1 and "application/vnd.jupyter.widget-view+json" in shown[0]
    states = [
        content["data"]["state"]
        for kind, content in said
        if kind == "comm_msg" and content["data"]["method"] == "update"
    ]
    values = [state["value"] for state in states if isinstance(state.get("value"), int)]
    assert values == sorted(values) and values[-1] == 30
    texts = [state["value"] for state in states if isinstance(state.get("value"), str)]
    assert texts[-1].startswith("30 of 30 tasks done")
    assert {"bar_style": "success"} in states


def test_a_cell_without_widgets_has_one_line_that_is_written_over(notebook):
    notebook.run(FUNCTIONS)
    notebook.run("import jug.progress.choice; jug.progress.choice.find_spec = lambda name: None")

    said = notebook.messages("jug.run([part(i) for i in range(10)], jugdir='jd')")

    text = "".join(content["text"] for kind, content in said if kind == "stream")
    assert text.split("\r")[-1].startswith("10 of 10 tasks done") and text.endswith("\n")


def test_a_cell_can_have_nothing_shown(notebook):
    notebook.run(FUNCTIONS)

    said = notebook.messages("jug.run(part(1), jugdir='jd', progress=False)")

    assert {kind for kind, _ in said} == {"status", "execute_input", "execute_result"}
