"""Edits that are easily missed, and objects that are not to be touched when code is looked at."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import jug
from jug import Task
from jug.backends.base import BaseStore
from jug.code import (
    Answer,
    Code,
    Comparison,
    code_of,
    codes,
    compare,
    modules,
    notice_reloads,
    remember,
)
from jug.code.changes import difference
from jug.code.fingerprint import value_part
from jug.errors import StoreError
from jug.execution.job import note_what_is_shared
from jug.jugfile import Jugfile
from jug.records import Record, pack, unpack_if_sound
from jug.task import alltasks

BEGIN = "from jug import Task, TaskGenerator\n"
TASK = "@TaskGenerator\ndef t(x):\n    return {}\nt(1)\n"
REGISTRY = (
    "HELD = {}\n"
    "def other(x):\n    return x\n"
    "def register(f):\n    HELD['a'] = f\n    return f\n"
    "@register\ndef helper(x):\n    return x + 1\n"
)


@pytest.fixture(autouse=True)
def a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["jug"])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = dict(sys.modules)
    yield
    forget(before)


def forget(before: Mapping[str, Any]) -> None:
    for name in set(sys.modules) - before.keys():
        del sys.modules[name]
    sys.modules.update(before)
    modules._found.cache_clear()
    codes._latest[0] = codes._Codes()


def read() -> list[Task[object]]:
    """Read the jugfile as a new process would."""
    here = [path.stem for path in Path.cwd().glob("*.py")]
    forget({name: held for name, held in sys.modules.items() if name not in here})
    for name in here:
        sys.modules.pop(name, None)
    alltasks.clear()
    return Jugfile(Path.cwd() / "jugfile.py").read().tasks


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.py").write_text(text)


def edited(store: BaseStore, old: str, new: str, **texts: str) -> Comparison:
    """Run a jugfile, edit the one place that has some text, and compare."""
    write(**texts)
    for task in read():
        task.run()
    assert not compare(read(), store).has_stale
    (name,) = [name for name, text in texts.items() if old in text]
    assert texts[name].count(old) == 1
    write(**{name: texts[name].replace(old, new)})
    return compare(read(), store)


def answers(found: Comparison) -> set[Answer]:
    return {answer for one in found.names.values() for answer, n in one.counts.items() if n}


HELPER = "def helper(x):\n    return x + 1\n"
MODEL = (
    "from helpers import helper\nclass Model:\n    def helper(self, x):\n        return helper(x)\n"
)
FACTORY = "from helpers import helper\ndef make(g):\n    def f(x{}):\n        return {}(x)\n"

STALE = [
    ("a function called as the method that calls it",
     MODEL + TASK.format("Model().helper(x)"), {}),
    ("an attribute of a class of the name of a function",
     "from helpers import helper\nclass Model:\n    helper = staticmethod(helper)\n"
     + TASK.format("Model().helper(x)"), {}),
    ("a name of a comprehension that it goes through",
     "from helpers import helper\none = [helper]\n" + TASK.format("[one(x) for one in one]"), {}),
    ("a function that is a default of an inner one",
     FACTORY.format(", g=g", "g") + "    return f\nTask(make(helper), 1)\n", {}),
    ("a function in a dictionary that is closed over",
     FACTORY.format("", "g['a']") + "    return f\nTask(make({'a': helper}), 1)\n", {}),
    ("the last of several imports of everything",
     "from others import *\nfrom helpers import *\n" + TASK.format("helper(x)"),
     {"others": "def helper(x):\n    return x\n"}),
    ("an import of everything after one that imports everything itself",
     "from others import *\nfrom helpers import *\n" + TASK.format("helper(x)"),
     {"others": "from math import *\n"}),
    ("what an import of everything imported so",
     "from others import *\n" + TASK.format("helper(x)"), {"others": "from helpers import *\n"}),
    ("a function that was put in the place of another",
     "import others, helpers\nothers.one = helpers.helper\n" + TASK.format("others.one(x)"),
     {"others": "def one(x):\n    return x\n"}),
    ("a cached function that is given",
     "import functools, helpers\nhelper = functools.cache(helpers.helper)\n"
     "@TaskGenerator\ndef t(f):\n    return f(1)\nt(helper)\n", {}),
    ("a class with a metaclass of the project that is given",
     "from helpers import helper\nclass Meta(type): pass\n"
     "class Model(metaclass=Meta):\n    def f(self, x):\n        return helper(x)\n"
     "@TaskGenerator\ndef t(kind):\n    return kind().f(1)\nt(Model)\n", {}),
    ("the function of a tasklet",
     "from jug import Tasklet\nfrom helpers import helper\n"
     "@TaskGenerator\ndef t(x):\n    return x\n"
     "t([Tasklet(Tasklet(1, helper), abs)])\n", {}),
    ("a function behind a very long sum",
     "from helpers import helper\n" + TASK.format("+".join(["x"] * 900) + " + helper(x)"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("jugfile", "more"), [one[1:] for one in STALE], ids=[s[0] for s in STALE])
def test_an_edit_of_what_is_reached_is_seen(
    store: BaseStore, jugfile: str, more: dict[str, str]
) -> None:
    found = edited(store, "x + 1", "x + 2", jugfile=BEGIN + jugfile, helpers=HELPER, **more)

    assert answers(found) == {Answer.STALE}


def test_a_module_of_the_project_may_have_the_name_of_one_of_pythons(store: BaseStore) -> None:
    jugfile = BEGIN + "import antigravity\n" + TASK.format("antigravity.helper(x)")

    found = edited(store, "x + 1", "x + 2", jugfile=jugfile, antigravity=HELPER)

    assert answers(found) == {Answer.STALE}


@pytest.mark.parametrize(
    "body",
    [
        "vars(helpers)['helper'](x)",
        "helpers.__dict__['helper'](x)",
        "(lambda m: m.helper(x))(helpers)",
        "sys.modules['helpers'].helper(x)",
    ],
)
def test_a_module_that_is_used_as_a_whole_is_unseen(store: BaseStore, body: str) -> None:
    jugfile = BEGIN + "import helpers, sys\n" + TASK.format(body)

    found = edited(store, "x + 1", "x + 2", jugfile=jugfile, helpers=HELPER)

    assert answers(found) == {Answer.UNSEEN}


def test_what_fills_a_container_of_a_module_that_is_not_loaded_is_unseen(store: BaseStore) -> None:
    jugfile = (
        BEGIN + "@TaskGenerator\ndef loads(x):\n    import helpers\n    return helpers.other(x)\n"
        "loads(1)\n"
        "@TaskGenerator\ndef t(x):\n    import helpers\n    return helpers.HELD['a'](x)\n"
        "t(1)\n"
    )

    found = edited(store, "return f\n", "return (f)\n", jugfile=jugfile, helpers=REGISTRY)

    assert found.names["jugfile.loads"].counts[Answer.FRESH] == 1
    assert found.names["jugfile.t"].counts[Answer.UNSEEN] == 1
    assert found.names["jugfile.t"].unseen == ("helpers.HELD: its module is not loaded yet",)


def test_functions_that_tasks_put_in_a_container_make_nothing_stale(store: BaseStore) -> None:
    helpers = (
        "HELD = {}\n"
        "def make(k):\n    return lambda x: x * k\n"
        "def get(k):\n    HELD[k] = make(k)\n    return HELD[k]\n"
    )
    tasks = "@TaskGenerator\ndef s(x):\n    return get(x)(2)\ns(1)\n"
    write(jugfile=BEGIN + "from helpers import get\n" + tasks + TASK.format("get(x)(3)"))
    write(helpers=helpers)
    before, after = read()

    before.run()
    codes._latest[0] = codes._Codes()  # as a worker has it that has met a barrier
    after.run()

    assert answers(compare([before, after], store)) == {Answer.FRESH}
    assert answers(compare(read(), store)) == {Answer.FRESH}


def test_a_module_that_was_loaded_again_is_read_again(store: BaseStore) -> None:
    write(jugfile=BEGIN + "import helpers\n" + TASK.format("helpers.RATE"), helpers="RATE = 1\n")
    (task,) = read()
    remember()
    before = code_of(task).text
    write(helpers="RATE = 20\n")

    notice_reloads()
    assert code_of(task).text == before
    importlib.reload(sys.modules["helpers"])
    notice_reloads()
    assert code_of(task).text != before


def test_a_part_that_becomes_what_another_was_is_a_change() -> None:
    one, two = value_part("m.a.X", 1), value_part("m.b.X", 2)
    now = value_part("m.b.X", 1)

    found = difference(Code.of(None, [one, two], (), ()), Code.of(None, [now], (), ()))

    assert [(part.name, part.old, part.new) for part in found.parts] == [
        ("m.a.X", "X = 1\n", None),
        ("m.b.X", "X = 2\n", "X = 1\n"),
    ]


EVIL = """
class Raises(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)
    def __eq__(cls, other):
        raise RuntimeError("eq")
    def __hash__(cls):
        raise RuntimeError("hash")
class Evil:
    __slots__ = ()
    def _raise(self, *args):
        raise RuntimeError("user code ran")
    __getattribute__ = __eq__ = __hash__ = __repr__ = __bool__ = __len__ = __iter__ = _raise
    __class__ = __dict__ = property(_raise)
class EvilList(list):
    __iter__ = __len__ = Evil._raise
class EvilDict(dict):
    values = __iter__ = __len__ = Evil._raise
class OfMeta(metaclass=Raises):
    pass
def registered(x):
    return x
registered.registry = registered.__wrapped__ = Evil()
evil, items, table, of_meta = Evil(), EvilList([1]), EvilDict(a=1), object.__new__(OfMeta)
HELD = {"evil": evil, "class": OfMeta, "of": of_meta}
def closes_over(one):
    return lambda x: one is None
closed = closes_over(evil)
@TaskGenerator
def t(x):
    return [one is None for one in (evil, items, table, of_meta, HELD, registered, closed)]
t(1)
"""


def test_no_code_of_the_users_runs(store: BaseStore) -> None:
    write(jugfile=BEGIN + EVIL)
    (task,) = read()

    task.run()
    note_what_is_shared()  # as a worker does that begins

    assert compare(read(), store).names["jugfile.t"].counts[Answer.FRESH] == 1


def test_warnings_of_the_source_are_not_told_again(store: BaseStore) -> None:
    write(jugfile=BEGIN + "from helpers import f\nt = TaskGenerator(f)\nt(1)\n")
    write(helpers="def f(x):\n    return x is 3\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (task,) = read()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        task.run()

    assert told == []


def test_a_form_feed_moves_no_line(store: BaseStore) -> None:
    helpers = "\f\n" + HELPER
    jugfile = BEGIN + "from helpers import helper\n" + TASK.format("helper(x)")

    found = edited(store, "x + 1", "x + 2", jugfile=jugfile, helpers=helpers)

    (change,) = found.names["jugfile.t"].changes
    assert [part.old for part in change.parts] == [HELPER]


def test_what_was_not_seen_then_is_not_fresh(store: BaseStore) -> None:
    """A file that was edited while the task ran says nothing of what ran."""
    write(jugfile=BEGIN + "from helpers import helper\n" + TASK.format("helper(x)"))
    write(helpers=HELPER)
    (task,) = read()
    write(helpers="\n" + HELPER)
    task.run()

    assert answers(compare(read(), store)) == {Answer.UNSEEN}


def test_a_task_does_not_run_whose_code_cannot_be_kept(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its result would be lost."""

    def keep_code(pieces: Mapping[bytes, bytes]) -> None:
        raise StoreError("full")

    monkeypatch.setattr(store, "keep_code", keep_code)
    ran: list[int] = []
    append: Callable[[int], None] = ran.append
    task = Task(append, 1)

    with pytest.raises(StoreError, match="full"):
        task.run()

    assert ran == []


def test_functions_as_arguments_are_kept_together(store: BaseStore) -> None:
    """They are as many versions of the code as there are such tasks."""
    functions = "".join(f"def g{n}(x):\n    return {n}\n" for n in range(20))
    calls = "for n in range(20):\n    t(globals()[f'g{n}'])\n"
    write(jugfile=BEGIN + functions + "@TaskGenerator\ndef t(g):\n    return g(1)\n" + calls)
    writes: list[int] = []
    keep_code = store.keep_code

    def counted(pieces: Mapping[bytes, bytes]) -> None:
        writes.append(len(pieces))
        keep_code(pieces)

    store.keep_code = counted  # type: ignore[method-assign]

    jug.run(read())

    assert len(writes) == 2
    assert len([key for key in store.kept_code() if key[:1] == b"c"]) == 20


def test_a_record_that_is_cut_off_anywhere_is_none() -> None:
    packed = pack(Record("name", code="1:" + 24 * "a"))

    assert [n for n in range(len(packed)) if unpack_if_sound(packed[:n]) is not None] in (
        [],
        [len(pack(Record("name")))],
    )
