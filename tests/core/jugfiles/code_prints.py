"""Print the code behind the tasks of the sample project in a folder, as JSON, on any Python."""

import json
import os
import sys
import types
from importlib.util import find_spec

if find_spec("numba") is None:  # what matters is that it is not the project's
    fake = sys.modules["numba"] = types.ModuleType("numba")
    fake.njit = lambda f: f

os.chdir(sys.argv[1])
sys.dont_write_bytecode = True

import jug  # noqa: E402
from jug.backends.dict_store import DictStore  # noqa: E402
from jug.code import code_of, remember  # noqa: E402
from jug.task import alltasks  # noqa: E402

jug.init("jugfile.py", store=DictStore())
remember()
print(json.dumps({task.name: code_of(task).text for task in alltasks}, indent=1))
