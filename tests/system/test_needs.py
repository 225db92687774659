"""Tasks that say what they need of a machine, and commands whose workers share one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import jug as jug_package
from jug import TaskGenerator
from jug.backends.registry import open_store
from jug.errors import TaskError

JOBS = pytest.mark.parametrize("jobs", ["1", "3"])

FAT = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator(memory="1.5 GB")
def fat(number):
    log("began", number)
    wait_for_file("go")
    log("ended", number)

tasks = [fat(number) for number in range(12)]
"""

GPUS = """
import os
from jug import TaskGenerator
from journal import log, wait_for_file

def device():
    return os.environ.get("CUDA_VISIBLE_DEVICES")

@TaskGenerator(gpus=1)
def train(number):
    log("began", number, device())
    wait_for_file("go")
    log("ended", number, device())

@TaskGenerator
def plot(number):
    log("plots", number, device())

tasks = [train(number) for number in range(12)]
plots = [plot(number) for number in range(6)]
"""

LARGE = """
import os
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def small(number):
    log("small", number, os.environ.get("OMP_NUM_THREADS"))
    if number == 0:
        wait_for_file("go")

@TaskGenerator(cpus=2)
def large():
    log("large", *(os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")))

first = small(0)
middle = large()
rest = [small(number) for number in range(1, 20)]
"""

BESIDE = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator(cpus=3)
def wide():
    log("wide")
    wait_for_file("go")

@TaskGenerator(cpus=2)
def pair(number):
    log("pair")
    wait_for_file("go")

@TaskGenerator
def small(number):
    log("small", number)

before = [small(number) for number in range(30)]
other, first = pair(0), wide()
rest = [small(number) for number in range(100, 120)]
"""


@pytest.mark.parametrize("commands", [[["-j", "3"]], [["--name", "wide"], ["-j", "2"]]])
def test_a_task_that_runs_keeps_no_turn(write, start, journal, wait_for, commands) -> None:
    """Where another runs it beside one that needs two, a CPU is left and small ones go on."""
    write(BESIDE)
    cpus = "6" if len(commands) == 1 else "4"

    processes = []
    for options in commands:
        processes.append(start("execute", "--cpus", cpus, *options))
        wait_for(lambda: ["wide"] in journal())
    wait_for(lambda: len(journal()) == 52)
    Path("go").touch()

    assert [process.wait(60) for process in processes] == [0] * len(commands)


SHARED = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def prepare():
    log("prepares")
    wait_for_file("go")

@TaskGenerator(gpus=1, tags={"gpu"})
def train(prepared):
    log("trains")

@TaskGenerator
def plot(trained):
    log("plots")

plot(train(prepare()))
"""


@pytest.mark.timeout(100)
@pytest.mark.parametrize("options", [[], ["--without-tag", "gpu"]])
def test_who_waits_is_known_to_have_what_others_need(
    write, start, journal, jug, wait_for, options
) -> None:
    write(SHARED)

    smaller = start("execute", "--gpus", "0", *options)
    wait_for(journal)
    assert "No living worker can run 1 task of jugfile.train" in jug("status")[1]
    larger = start("execute", "--gpus", "1", "--tag", "gpu")
    wait_for(lambda: "No living worker" not in jug("status")[1])
    Path("go").touch()

    assert (larger.wait(60), smaller.wait(60)) == (0, 0)
    assert journal() == [["prepares"], ["trains"], ["plots"]]


def test_what_others_are_to_run_is_waited_for_whoever_lives(
    write, start, journal, jug, wait_for
) -> None:
    write(SHARED)
    Path("go").touch()

    smaller = start("execute", "--gpus", "0", "--without-tag", "gpu", "--progress", "none")
    assert "nobody has begun: 1 of jugfile.train; " in smaller.stderr.readline()

    assert jug("execute", "--gpus", "1", "--tag", "gpu")[0] == 0
    assert smaller.wait(60) == 0


DYING = """
import os, signal
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator(cpus=2, memory="2 GB")
def die_once(number):
    if not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number

tasks = [die_once(number) for number in range(6)]
"""

TOO_LARGE = """
from jug import TaskGenerator

@TaskGenerator
def small(number):
    return number

@TaskGenerator(cpus=3, memory="1 GB", tags={"large"})
def large(numbers):
    return sum(numbers)

@TaskGenerator(gpus=2)
def train(total):
    return total

smalls = [small(number) for number in range(4)]
models = [train(large([number])) for number in smalls]
last = small(train(large(smalls)))
"""


def most_at_once(lines: Iterable[list[str]]) -> int:
    """Return how many had begun at most and not ended."""
    most = now = 0
    for what, *_ in lines:
        now += {"began": 1, "ended": -1}.get(what, 0)
        most = max(most, now)
    return most


def test_no_more_tasks_run_at_once_than_there_is_memory_for(
    write, start, journal, wait_for
) -> None:
    write(FAT)

    process = start("execute", "-j", "5", "--memory", "4GB")
    wait_for(lambda: len(journal()) == 2)
    Path("go").touch()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert most_at_once(journal()) == 2
    assert len(journal()) == 24


def test_each_task_sees_the_gpu_that_it_has_for_itself(write, start, journal, wait_for) -> None:
    write(GPUS)

    process = start(
        "execute", "-j", "3", "--gpus", "2", env=os.environ | {"CUDA_VISIBLE_DEVICES": "4,7,9"}
    )
    wait_for(lambda: len(journal()) == 2 + 6)  # the third worker has none, and plots meanwhile
    Path("go").touch()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    lines = journal()
    assert {device for what, _, device in lines if what == "plots"} == {"4,7,9"}
    assert most_at_once(lines) == 2
    busy = dict[str, str]()
    for what, number, device in lines:
        if what == "began":
            assert device in {"4", "7"} and device not in busy
            busy[device] = number
        elif what == "ended":
            assert busy.pop(device) == number


def count_workers() -> int:
    """Return how many workers are in the store: those that have taken something, or wait."""
    with open_store("jugfile.jugdata") as store:
        store.poll()
        return len(store.present())


def test_a_large_task_has_its_turn_though_small_ones_are_ready(
    write, start, journal, wait_for
) -> None:
    write(LARGE)

    process = start("execute", "-j", "2", "--cpus", "2")
    wait_for(lambda: len(journal()) == 1)
    wait_for(lambda: count_workers() == 2)  # the second has looked, and waits
    Path("go").touch()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert journal()[:2] == [["small", "0", "1"], ["large", "2", "2", "2"]]
    assert len(journal()) == 21


@JOBS
def test_what_a_worker_had_is_free_again_when_it_dies(write, jug, jobs) -> None:
    write(DYING)

    status, out, err = jug("execute", "-j", jobs, "--cpus", "2", "--memory", "2GB")

    assert status == 0, err
    assert out.split()[-3:] == ["6", "0", "Total"] and "SIGKILL" in err


@JOBS
def test_what_no_machine_of_the_command_can_run_is_named_at_the_end(write, jug, jobs) -> None:
    write(TOO_LARGE)

    options = ["-j", jobs, "--cpus", "2", "--memory", "800 MB", "--gpus", "2"]
    status, out, err = jug("execute", *options)

    assert status == 3 and "4       0  Total" in out
    assert err.splitlines() == [
        "jug: 5 tasks of jugfile.large need 3 CPUs and 1.0 GB of memory, but this command has "
        "2 CPUs and 800.0 MB of memory: run them where there is more",
        "jug: what is left needs more than this command has of its machine; "
        "11 tasks are not done (exit status 3)",
    ]

    assert jug("execute", "-j", jobs, "--cpus", "3", "--gpus", "1")[0] == 3
    status, out, err = jug("execute", "-j", jobs, "--cpus", "3", "--gpus", "2")
    assert status == 0, err


WAITING = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator(gpus=1)
def train():
    log("began")
    wait_for_file("go")

@TaskGenerator
def plot(number, trained):
    log("plots", number)

trained = train()
plots = [plot(number, trained) for number in range(20)]
"""


def test_a_worker_waits_for_what_another_command_runs_that_has_more(
    write, start, journal, wait_for
) -> None:
    write(WAITING)

    larger = start("execute", "--gpus", "1")
    wait_for(journal)
    smaller = start("execute", "--gpus", "0", "--progress", "none")
    assert "waiting for jugfile.train" in smaller.stderr.readline()
    Path("go").touch()
    _, err = smaller.communicate(timeout=60)

    assert (smaller.returncode, larger.wait(60)) == (0, 0), err
    assert len(journal()) == 21


def test_without_options_the_machine_is_asked_for_what_tasks_state(write, jug) -> None:
    write(TOO_LARGE.replace("cpus=3", "cpus=10_000").replace("1 GB", "900 TB"))

    status, _, err = jug("execute", "-j", "2", env=os.environ | {"CUDA_VISIBLE_DEVICES": "0"})

    assert status == 3
    assert "5 tasks of jugfile.large need 10000 CPUs and 900.0 TB of memory, but this" in err
    assert "5 tasks of jugfile.train need 2 GPUs, but this command has 1 GPU: run them" in err


@JOBS
@pytest.mark.timeout(60)
def test_workers_do_not_wait_for_what_needs_more_beyond_a_barrier(write, jug, jobs) -> None:
    write("import jug\n" + TOO_LARGE.replace("models =", "jug.barrier()\nmodels ="))

    status, _, err = jug("execute", "-j", jobs, "--cpus", "3", "--gpus", "1")

    assert status == 3 and "5 tasks of jugfile.train need 2 GPUs, but this" in err


@pytest.mark.parametrize("needs", ["memory='8 potatoes'", "cpus=-1", "gpus=0.5", "tags='gpu'"])
def test_needs_that_cannot_be_meant_are_an_error_that_names_the_task(write, jug, needs) -> None:
    write(TOO_LARGE.replace("gpus=2", needs))

    status, _, err = jug("execute")

    name, given = needs.split("=")
    assert status == 1
    assert f"jugfile.train: {name} must be a " in err and f"not {given}" in err


@pytest.mark.parametrize(
    "bad",
    [
        ["--cpus", "0"],
        ["--cpus", "1.5"],
        ["--memory", "8 potatoes"],
        ["--memory", "1"],
        ["--gpus", "-1"],
        ["--gpus", "3"],
    ],
)
def test_options_that_cannot_be_meant_are_wrong_usage(write, jug, bad) -> None:
    write(TOO_LARGE)

    status, _, err = jug("execute", *bad, env=os.environ | {"CUDA_VISIBLE_DEVICES": "0,1"})

    assert status == 2 and bad[0].lstrip("-") in err and bad[1] in err


STATUS = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator(cpus=2)
def wide(number):
    log("wide", number)
    wait_for_file("go")

@TaskGenerator(cpus=3, memory="1.5 GiB", tags={"large"})
def wider(number):
    return number

@TaskGenerator(gpus=4)
def train(model):
    return model

tasks = [wide(number) for number in range(3)]
models = [train(wider(number)) for number in range(2)]
"""


def test_status_says_which_tasks_no_living_worker_can_run(write, start, jug, journal, wait_for):
    write(STATUS)
    assert "living" not in jug("status")[1], "one that will come may have more"

    process = start("execute", "--cpus", "2", "--gpus", "4")
    wait_for(journal)

    assert jug("status")[1].splitlines()[-1] == (
        "No living worker can run 2 tasks of jugfile.wider, which need 3 CPUs, 1.6 GB of memory."
    )
    (told,) = json.loads(jug("status", "--json")[1])["out_of_reach"]
    assert told == {"name": "jugfile.wider", "tasks": 2, "cpus": 3, "memory": 3 * 2**29, "gpus": 0}
    assert "living" not in jug("status", "--name", "wide")[1]
    Path("go").touch()
    assert process.wait(60) == 3


TAGS = """
from jug import TaskGenerator

@TaskGenerator
def small(number):
    return number

@TaskGenerator(tags={"large", "gpu"})
def large(number):
    return number

tasks = [[small(number), large(number)] for number in range(4)]
"""


@JOBS
def test_workers_choose_tasks_by_their_tags(write, jug, jobs) -> None:
    write(TAGS)

    status, out, err = jug("execute", "-j", jobs, "--without-tag", "large")
    assert (status, err) == (0, "") and "4       0  jugfile.small" in out and "large" not in out
    status, out, err = jug("execute", "-j", jobs, "--tag", "gpu")
    assert (status, err) == (0, "") and "4       0  jugfile.large" in out
    status, _, err = jug("execute", "--tag", "larg")
    assert status == 2 and "no task has the tag 'larg': the tags are 'gpu', 'large'" in err


# jug.run


@TaskGenerator(cpus=2)
def threads():
    return os.environ["OMP_NUM_THREADS"]


@TaskGenerator(gpus=3)
def devices():
    return os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.parametrize("workers", [1, 2])
def test_jug_run_shares_the_machine_too(folder, monkeypatch, workers) -> None:
    monkeypatch.delitem(sys.modules, "polars", raising=False)  # of other tests in this process
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    task, three = threads(), devices()

    def run():
        return jug_package.run([task, three], workers, "jd", cpus=2, gpus=3, progress=False)

    assert run() == ["2", "0,1,2"]
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_jug_run_says_what_needs_more_than_there_is(folder) -> None:
    with pytest.raises(TaskError, match=r"1 task of .*\.threads needs 2 CPUs, but .* has 1 CPU"):
        jug_package.run(threads(), jugdir="jd", cpus=1)
    with pytest.raises(ValueError, match="memory must be a size such as"):
        jug_package.run(threads(), jugdir="jd", memory="much")
