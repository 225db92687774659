"""Reading jugfiles, and reading them again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jug
from jug.backends.dict_store import DictStore
from jug.backends.frames import Frame, Kind
from jug.errors import (
    BarrierError,
    JugfileError,
    OptionError,
    ResultNotFound,
    TaskError,
    TaskFailed,
)
from jug.execution.summary import Ending
from jug.execution.worker import Worker
from jug.jugfile import Jugfile, init, jugdir_of, set_jugdir, store_options
from jug.records import Record, pack
from jug.session import current_store
from jug.task import alltasks

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture(autouse=True)
def a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["pytest"])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(name, text):
    path = Path(name)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


SIMPLE = """
from jug import TaskGenerator

@TaskGenerator
def double(x):
    return 2 * x

four = double(2)
"""


def execute(path):
    jugfile = Jugfile(path)
    return Worker(jugfile.read(), jugfile.read_again).run()


def test_a_jugfile_gives_its_names_and_tasks():
    write("simple.py", SIMPLE)

    jugspace = Jugfile("simple.py").read()

    assert jugspace.tasks == [jugspace.names["four"]]
    assert jugspace.tasks[0].name == "simple.double"
    assert jugspace.names["__name__"] == "simple"
    assert not jugspace.barrier_tasks


def test_a_jugfile_is_found_without_its_ending():
    write("simple.py", SIMPLE)

    assert Jugfile("simple").path == "simple.py"


@pytest.mark.parametrize(
    "given, known_as",
    [("./simple.py", "simple.py"), (".//made/./../simple", "made/../simple.py")],
)
def test_parts_of_a_path_that_say_nothing_are_left_out(given: str, known_as: str) -> None:
    write("simple.py", SIMPLE)
    os.mkdir("made")

    assert Jugfile(given).path == known_as


def test_tasks_have_one_hash_whether_executed_initialised_or_imported():
    write("simple.py", SIMPLE)
    by_execute = Jugfile("simple.py").read().names["four"].hash()
    _, names = init("simple.py", "dict_store")
    del sys.modules["simple"]
    sys.path.insert(0, os.getcwd())

    import simple

    assert by_execute == names["four"].hash() == simple.four.hash()


def test_the_jugfiles_folder_and_the_working_directory_are_importable():
    write("here.py", "a = 1")
    write("sub/beside.py", "b = 2")
    write("sub/main.py", "import here, beside")

    names = Jugfile("sub/main.py").read().names

    assert names["here"].a + names["beside"].b == 3


def test_of_a_jugfile_that_is_a_link_the_links_folder_is_importable():
    write("project/near_the_link.py", "b = 2")
    write("shared/main.py", "import near_the_link")
    os.symlink("../shared/main.py", "project/linked.py")

    assert Jugfile("project/linked.py").read().names["near_the_link"].b == 2


def test_the_jugfile_sees_its_own_arguments():
    write("args.py", "import sys\ngiven = list(sys.argv)")

    assert Jugfile("args.py", ["-x", ""]).read().names["given"] == ["args.py", "-x", ""]


def test_a_jugfile_that_is_not_there_is_named():
    with pytest.raises(JugfileError, match=r"no jugfile 'nothing.py' in"):
        Jugfile("nothing.py")
    os.mkdir("folder")
    with pytest.raises(JugfileError, match="it is a folder"):
        Jugfile("folder")


def test_a_jugfile_cannot_take_the_name_of_a_module_in_use():
    write("json.py", "")

    with pytest.raises(JugfileError, match=r"json.*rename"):
        Jugfile("json.py").read()


def test_what_the_jugfile_raises_comes_through():
    write("bad.py", "1 / 0")
    write("worse.py", "def f(:")

    with pytest.raises(ZeroDivisionError):
        Jugfile("bad.py").read()
    with pytest.raises(SyntaxError, match="invalid syntax"):
        Jugfile("worse.py").read()


LOGGING = """
def log(x):
    with open("log", "a") as file:
        print(x, file=file)
"""

BARRIERS = """
from jug import TaskGenerator, barrier, bvalue
calls = []

@TaskGenerator
def step(x):
    with open("log", "a") as log:
        print("step", x, file=log)
    return x + 1

first = [step(i) for i in range(3)]
barrier()
second = step(sum(t.value() for t in first))
n = bvalue(second)
for i in range(2):
    n = bvalue(step(100 * n + i))
barrier()
last = step(n)
"""


def test_barriers_and_bvalues_in_a_loop_run_each_task_once():
    write("barriers.py", BARRIERS)

    summary = execute("barriers.py")

    lines = Path("log").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 7
    assert summary.left == 0
    assert summary.executed == {"barriers.step": 7}


def test_reading_stops_at_a_barrier_that_is_not_open():
    write("barriers.py", BARRIERS)

    jugspace = Jugfile("barriers.py").read()

    assert jugspace.barrier_tasks == jugspace.tasks
    assert "second" not in jugspace.names
    assert jugspace.names["__jug_hasbarrier__"] is True


def test_bvalue_waits_for_its_own_task_alone():
    write(
        "two.py",
        "from jug import Task, bvalue\na = Task(abs, -1)\nb = Task(abs, -2)\nbvalue([b])\n",
    )

    jugspace = Jugfile("two.py").read()

    assert [task.args for task in jugspace.barrier_tasks] == [(-2,)]


def test_in_plain_python_barrier_and_bvalue_raise():
    task = jug.Task(abs, -1)

    with pytest.raises(BarrierError, match="abs"):
        jug.barrier()
    with pytest.raises(BarrierError, match="abs"):
        jug.bvalue(task)
    task.run()
    jug.barrier()
    assert jug.bvalue([task, 2]) == [1, 2]


def test_modules_that_make_tasks_run_again_and_others_do_not():
    write("logging_module.py", LOGGING)
    write("plain.py", "from logging_module import log\nlog('plain')")
    write(
        "tasks_of_mine.py",
        "from jug import Task\nfrom logging_module import log\nlog('tasks')\n"
        "[Task(abs, -i) for i in range(3)]\n",
    )
    write(
        "main.py",
        "import plain, tasks_of_mine\nfrom jug import Task, barrier\nbarrier()\nt = Task(abs, -9)",
    )

    summary = execute("main.py")

    assert Path("log").read_text().split() == ["plain", "tasks", "tasks"]
    assert summary.executed == {"builtins.abs": 4}


def test_cached_function_runs_at_once_and_only_once():
    write("logging_module.py", LOGGING)
    write(
        "cached.py",
        "from jug import CachedFunction, TaskGenerator\nfrom logging_module import log\n"
        "def f(x):\n    log(x)\n    return x\n"
        "a = CachedFunction(f, 1)\nb = CachedFunction(TaskGenerator(f), 1)\n",
    )

    names = Jugfile("cached.py").read_again().names
    Jugfile("cached.py").read_again()

    assert (names["a"], names["b"]) == (1, 1)
    assert Path("log").read_text().split() == ["1"]


def test_cached_function_waits_for_another_that_computes_it(store):
    import threading

    task = jug.Task(abs, -4)
    view = DictStore.sharing(store)
    task.own_store = view
    assert task.lock()
    values = []

    thread = threading.Thread(target=lambda: values.append(jug.CachedFunction(abs, -4)))
    thread.start()
    task.run()
    task.unlock()
    thread.join(60)

    assert values == [4]


def test_cached_function_says_for_whom_it_waits(store, caplog, monkeypatch):
    monkeypatch.setattr("jug.backends.wait_notice.LONG", 0.0)
    task = jug.Task(abs, -4)
    view = DictStore.sharing(store)
    lease = view.acquire([task.digest])
    monkeypatch.setattr(store, "wait", lambda *how: view.release(lease))

    assert jug.CachedFunction(abs, -4) == 4
    assert [told.partition(" (held by")[0] for told in caplog.messages] == [
        "waiting for builtins.abs"
    ]


def test_cached_function_does_not_wait_for_a_call_that_failed_for_good(store):
    task = jug.Task(abs, -4)
    task.lock()
    task.fail()

    with pytest.raises(TaskFailed, match="'builtins.abs' failed for good: `jug cleanup --fail"):
        jug.CachedFunction(abs, -4)


def test_cached_function_that_failed_for_good_meanwhile_is_told(store, monkeypatch):
    task = jug.Task(abs, -4)
    view = DictStore.sharing(store)
    lease = view.acquire([task.digest])
    frame = Frame(Kind.KEPT, task.digest, pack(Record(exception="ValueError: no")))
    monkeypatch.setattr(store, "wait", lambda *how: view.commit(lease, frame))

    with pytest.raises(TaskFailed, match=r"failed for good \(ValueError: no\)"):
        jug.CachedFunction(abs, -4)


def test_a_jugfile_stops_at_a_cached_function_that_failed_for_good(store):
    task = jug.Task(abs, -4)
    task.lock()
    task.fail()
    write("cached.py", "from jug import *\na = Task(abs, -1)\nCachedFunction(abs, -4)\nmore = 1\n")
    jugfile = Jugfile("cached.py")

    summary = Worker(jugfile.read_again(), jugfile.read_again).run()

    assert summary.ending is Ending.FAILED
    assert summary.executed.total() == 1
    assert [failure.name for failure in summary.failures_elsewhere] == ["builtins.abs"]


# init and set_jugdir


def test_init_gives_store_and_names_also_when_part_has_not_run():
    write("simple.py", SIMPLE + "barrier = __import__('jug').barrier()\nmore = double(four)")

    store, names = init("simple.py", "dict_store")

    assert current_store() is store
    assert "more" not in names
    with pytest.raises(ResultNotFound, match="double"):
        jug.value(names["four"])
    names["four"].run()
    assert jug.value(names["four"]) == 4


def test_init_exits_or_propagates(caplog):
    write("bad.py", "def f():\n    1 / 0\nf()")

    with pytest.raises(SystemExit) as exit:
        init("bad.py", "dict_store")
    assert exit.value.code == 1
    assert "ZeroDivisionError" in caplog.text
    assert "jugfile.py" not in caplog.text.split("Traceback")[1]
    with pytest.raises(ZeroDivisionError):
        init("bad.py", "dict_store", on_error="propagate")
    with pytest.raises(OptionError, match="on_error"):
        init("bad.py", on_error="ignore")


def test_a_failed_init_leaves_the_store_that_was_in_use(store):
    write("bad.py", "1 / 0")

    with pytest.raises(ZeroDivisionError):
        init("bad.py", "dict_store", on_error="propagate")

    assert current_store() is store


def test_init_takes_a_store_object(store):
    write("simple.py", SIMPLE)
    mine = DictStore()

    assert init("simple.py", store=mine)[0] is mine


def test_init_leaves_the_programs_own_arguments_to_the_jugfile(monkeypatch):
    write("args.py", "import sys\ngiven = sys.argv[:]")
    monkeypatch.setattr(sys, "argv", ["report.py", "--epochs", "3"])

    _, names = init("args.py", "dict_store")

    assert names["given"] == sys.argv == ["report.py", "--epochs", "3"]


@pytest.mark.parametrize("jugdir", ["results", "%(jugfile)s.results"])
def test_init_uses_the_jugdir_of_the_environment_unless_one_is_given(jugdir, monkeypatch):
    write("simple.py", SIMPLE)
    monkeypatch.setenv("JUG_JUGDIR", f"dict_store:{jugdir}")

    assert Path(init("simple.py")[0].url).name == jugdir % {"jugfile": "simple"}
    assert init("simple.py", "dict_store")[0].url == "dict_store"


def test_a_store_of_a_server_is_opened_under_the_jugfiles_name():
    assert store_options("work/primes.py", "redis://localhost") == {"prefix": "primes"}
    assert store_options("primes.py", "rediss+cluster://h", prefix="mine") == {"prefix": "mine"}
    assert store_options("primes.py", "primes.jugdata", 60.0) == {"lease_seconds": 60.0}
    assert store_options("primes.py", Path("primes.jugdata")) == {}
    assert store_options("primes.py", "dict_store", 60.0) == {}
    assert store_options("primes.py", "dict_store", runs_kept=0) == {"runs_kept": 0}


def test_a_jugfile_may_init_itself_and_others(store):
    write("other.py", SIMPLE)
    write(
        "outer.py",
        "import jug\nmine, names = jug.init(__file__)\n"
        "others, theirs = jug.init('other.py', 'dict_store')\n"
        "own = jug.Task(abs, theirs['four'])\n",
    )

    names = Jugfile("outer.py").read().names

    assert names["mine"] is store is current_store()
    assert names["theirs"]["four"].store is names["others"] is not store
    assert names["own"].store is store


def test_a_jugfile_may_set_its_own_jugdir(store):
    write("own.py", "import jug\nmine = jug.set_jugdir('dict_store')\nt = jug.Task(abs, -1)")

    jugspace = Jugfile("own.py").read()

    assert jugspace.store is jugspace.names["mine"] is not store


@pytest.mark.parametrize("kind", [str, Path])
def test_set_jugdir_takes_paths(tmp_path, kind):
    pytest.importorskip("jug.backends.file_store", exc_type=ImportError)
    opened = set_jugdir(kind(tmp_path / "jd"))

    jug.Task(abs, -3).run()

    assert current_store() is opened
    assert (tmp_path / "jd").is_dir()
    opened.close()


def test_set_jugdir_takes_a_store_object():
    mine = DictStore()

    assert set_jugdir(mine) is mine is current_store()


def test_the_jugdir_is_made_from_the_jugfile_and_the_date():
    import time

    days = {time.strftime("%Y-%m-%d")}
    named = jugdir_of("a/b.py", "%(jugfile)s.%(date)s")
    days.add(time.strftime("%Y-%m-%d"))  # which may have begun meanwhile

    assert named in {f"a/b.{day}" for day in days}
    assert jugdir_of("a/b.py", "100%%") == "100%"
    assert jugdir_of("b.py", "redis://:%41@h?prefix=%(jugfile)s") == "redis://:%41@h?prefix=b"
    for bad in ("%(jugfil)s", "100%", "%s"):
        with pytest.raises(OptionError, match="jugdir"):
            jugdir_of("a/b.py", bad)


def test_the_program_itself_is_named_by_its_file(tmp_path):
    import subprocess

    write("script.py", SIMPLE + "print(four.name, four.hash().decode())")
    by_read = Jugfile("script.py").read().names["four"]

    out = subprocess.check_output([sys.executable, "script.py"], text=True)

    assert out.split() == ["script.double", by_read.hash().decode()]


def test_no_store_in_use_says_what_to_do():
    from jug.errors import StoreError
    from jug.session import use_store

    before = use_store(None)
    try:
        with pytest.raises(StoreError, match="set_jugdir"):
            jug.Task(abs, -1).can_load()
    finally:
        use_store(before)


def test_reading_again_forgets_the_tasks_made_before():
    write("simple.py", SIMPLE)
    jugfile = Jugfile("simple.py")

    jugfile.read()
    jugfile.read_again()

    assert len(alltasks) == 1


@pytest.mark.parametrize("statement", ["barrier()", "bvalue(task)"])
def test_a_program_without_a_jugdir_stops_at_a_barrier(statement: str) -> None:
    program = f"from jug import Task, barrier, bvalue\ntask = Task(abs, -1)\n{statement}"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert "jug.errors.BarrierError: task 'builtins.abs' is not done yet" in done.stderr


def test_a_value_that_a_jugfile_wants_too_early_comes_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = jug.Task(abs, -1)

    with pytest.raises(ResultNotFound, match="run `jug execute`, then ask again"):
        jug.value(task)
    monkeypatch.setattr("jug.session._is_running", True)
    with pytest.raises(ResultNotFound, match=r"wait for it by jug.bvalue\(task\)"):
        jug.value(task)


def test_a_jugfile_is_read_again_where_it_was_read_first(tmp_path):
    write("moves.py", "import os\nos.makedirs('out', exist_ok=True)\nos.chdir('out')\n" + SIMPLE)
    jugfile = Jugfile("moves.py")

    jugfile.read()
    jugfile.read_again()

    assert Path.cwd() == tmp_path / "out"


def endless(number):
    return jug.CachedFunction(endless, number)


def test_a_cached_function_that_calls_itself_with_the_same_arguments_is_told(store):
    with pytest.raises(TaskError, match="would wait for itself for ever"):
        jug.CachedFunction(endless, 1)
    assert not store.holders()


def test_a_store_knows_the_arguments_that_the_jugfile_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "with_arguments.py"
    path.write_text("")
    monkeypatch.setattr(sys, "argv", ["script.py", "7", "--fast"])

    of_script, _ = jug.init(path, "dict_store")
    assert of_script.arguments == ("7", "--fast")

    store = jug.set_jugdir("dict_store")
    Jugfile(path, ["5"]).read()
    assert (store.jugfile, store.arguments) == (str(path), ("5",))

    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    at_prompt, _ = jug.init(path, "dict_store")
    assert at_prompt.arguments == ()
