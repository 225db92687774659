"""The work of flat.py with doit, which remembers in a file what was done."""

import os
import sys
from pathlib import Path

from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.tools import run_once

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)


def same(number):
    return {"number": number}


def total(numbers):
    return {"total": sum(numbers.values())}


def task_same():
    for number in range(int(os.environ["BENCHMARK_TASKS"])):
        yield {"name": str(number), "actions": [(same, [number])], "uptodate": [run_once]}


def task_total():
    return {"actions": [total], "getargs": {"numbers": ("same", "number")}, "uptodate": [run_once]}


config = {"dep_file": str(folder / "done"), "backend": "sqlite3", "reporter": "zero"}
tasks = {"DOIT_CONFIG": config, "task_same": task_same, "task_total": task_total}
sys.exit(DoitMain(ModuleTaskLoader(tasks)).run(["run"]))
