"""The code behind functions: what is seen of it, and what is told as unseen."""

from __future__ import annotations

import ast
import linecache
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jug
from jug import Task
from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
from jug.code import (
    Answer,
    Change,
    Code,
    Comparison,
    accepted,
    code_of,
    compare,
    compare_record,
    find_stale,
    remember,
)
from jug.code.dump import dump
from jug.code.fingerprint import NOT_SEEN, split
from jug.code.modules import is_project
from jug.code.reach import Reach
from jug.code.source_file import SourceFile
from jug.hash.lambdas import positions
from jug.records import Record
from jug.session import using_here
from jug.task import alltasks


@pytest.fixture(autouse=True)
def a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(name: str, text: str) -> ModuleType:
    """Write a module, and import it as a new process would."""
    path = Path(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    sys.modules.pop(name, None)
    __import__(name)
    remember()
    return sys.modules[name]


def code(f: Any, *args: Any) -> Code:
    """Return the code behind a call."""
    call: Any = SimpleNamespace(f=f, args=args, kwargs={}, has_plain_arguments=False)
    return code_of(call)


def test_lambdas_on_one_line_differ() -> None:
    module = load("one_line", "one, two = (lambda x: x + 1), (lambda x: x + 2)\nlast = lambda: one")

    first, second = code(module.one), code(module.two)

    assert not (first.unseen or second.unseen)
    assert first.own != second.own
    assert [*first.parts] == ["one_line.<lambda>"]
    assert any(True for _ in positions(module.one.__code__))


def test_what_was_made_by_exec_is_unseen() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec("def made(x): return x + 1", names)

    found = code(names["made"])

    assert found.own == NOT_SEEN
    assert found.parts == {}
    assert len(found.unseen) == 1
    assert ".made: its source is not there" in found.unseen[0]


def test_what_was_made_by_exec_in_no_module_is_unseen() -> None:
    names: dict[str, Any] = {}
    exec("def made(x): return x + 1", names)

    assert "its source is not there" in code(names["made"]).unseen[0]


def test_a_class_that_a_call_has_made_is_seen() -> None:
    text = "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')\n"
    module = load("made", f"{text}def f(p): return p\n")

    found = code(module.f, module.Point(1, 2))

    assert [*found.parts] == ["made.Point", "made.f"]
    assert not found.unseen


def test_a_cell_that_was_run_again_changes_the_results_of_those_that_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    names, store = notebook.__dict__, jug.set_jugdir("dict_store")
    cell(11, "SCALE = 3\n", names)
    cell(12, "def scaled(x):\n    return x * SCALE\n", names)
    cell(13, "def measure(x):\n    return scaled(x)\n", names)
    task, other = Task(names["measure"], 1), Task(names["measure"], 2)
    jug.run(task)
    assert compare([task], store).answer(task.digest) is Answer.FRESH

    cell(14, "def scaled(x):\n    return x * SCALE + 1\n", names)
    assert compare([task], store).answer(task.digest) is Answer.STALE
    other.run()
    assert compare([other], store).answer(other.digest) is Answer.FRESH

    cell(15, "SCALE = 4\n", names)
    assert compare([other], store).answer(other.digest) is Answer.STALE
    cell(16, "SCALE = 3\n", names)
    assert compare([other], store).answer(other.digest) is Answer.FRESH


def test_a_form_feed_is_no_line() -> None:
    module = load("paged", "\f\nRATE = 1\n\f\ndef f(x):\n    return x\n")

    assert code(module.f).parts["paged.f"].source == "def f(x):\n    return x\n"


def test_a_program_on_the_command_line_is_unseen_and_runs() -> None:
    program = (
        "from jug import *; from jug.code import code_of\n"
        "def f(x): return x\n"
        "task = Task(f, 1); set_jugdir('dict_store'); task.run()\n"
        "print(len(code_of(task).parts) + len(code_of(task).unseen))"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (run.stdout, run.stderr) == ("1\n", "")


def cell(number: int, text: str, names: dict[str, Any]) -> None:
    """Run a cell of a notebook."""
    name = f"<cell {number}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    exec(compile(text, name, "exec", dont_inherit=True), names)


def test_cells_of_a_notebook_share_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    names = notebook.__dict__
    cell(1, "RATE = 3\nclass Plain:\n    def get(self): return 1\n", names)
    cell(2, "def helper(x):\n    # a comment\n    return x * RATE\n", names)
    cell(3, "def f(x):\n    return helper(x) + Plain().get()\n", names)

    first = code(names["f"])

    assert not first.unseen
    assert {name.rpartition(".")[2] for name in first.parts} == {
        "f",
        "helper",
        "RATE",
        "Plain",
        "get",
    }
    cell(4, "def helper(x):\n    return (x * RATE)\n", names)
    cell(5, "def f(x):\n    return helper(x) + Plain().get()\n", names)
    assert code(names["f"]).text == first.text
    cell(6, "RATE = 4\ndef f(x):\n    return helper(x) + Plain().get()\n", names)
    assert Reach().code_of(names["f"]).text != first.text


def test_a_file_that_is_edited_after_it_was_read_changes_nothing() -> None:
    module = load("steady", "def f(x): return x + 1\n")
    before = code(module.f).text

    Path("steady.py").write_text("def f(x): return x + 2\n")
    remember()

    assert Reach().code_of(module.f).text == before


def test_a_file_that_was_edited_before_it_was_read_is_unseen() -> None:
    Path("late.py").write_text(
        "RATE = 1\ndef f(x): return x + helper(x)\ndef helper(x): return x\n"
    )
    module = __import__("late")
    text = "RATE = 1\ndef f(x): return x + helper(x)\ndef helper(x): return -x\n"
    Path("late.py").write_text(text)

    found = code(module.f)

    assert [*found.parts] == ["late.f"]  # its own lines are the same
    assert "late.helper: its source is not there" in found.unseen[0]


def test_a_file_that_is_gone_is_unseen() -> None:
    Path("gone.py").write_text("def f(x): return x + 1\n")
    module = __import__("gone")
    Path("gone.py").unlink()

    assert "gone.f: its source is not there" in code(module.f).unseen[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("getattr(x, name)", "calls getattr with a name that is computed"),
        ("eval('x')", "calls eval"),
        ("exec('x')", "calls exec"),
        ("globals()['x']", "calls globals"),
        ("__import__(name)", "imports by name"),
        ("importlib.import_module(name)", "calls import_module with a name that is computed"),
    ],
)
def test_what_is_found_by_a_computed_name_is_unseen(body: str, reason: str) -> None:
    module = load("dynamic", f"import importlib\ndef f(x, name): return {body}\n")

    assert code(module.f).unseen == (f"dynamic.f: {reason}",)


def test_a_constant_name_is_followed() -> None:
    load("named", "def helper(x): return x\n")
    text = (
        "import importlib, named\n"
        "def f(x): return getattr(named, 'helper')(x)\n"
        "def g(x): return importlib.import_module('named').helper(x)\n"
    )
    module = load("names", text)

    assert [*code(module.f).parts] == ["named.helper", "names.f"]
    assert code(module.f).unseen == code(module.g).unseen == ()


def test_a_module_that_is_imported_inside_is_followed_before_it_is_loaded() -> None:
    Path("inside").mkdir()
    Path("inside", "__init__.py").touch()
    Path("inside", "deep.py").write_text("from . import other\ndef g(x): return other.h(x)\n")
    Path("inside", "other.py").write_text("def h(x): return x\n")
    module = load("outside", "def f(x):\n    from inside.deep import g as k\n    return k(x)\n")

    before = code(module.f)

    assert [*before.parts] == ["inside.deep.g", "inside.other.h", "outside.f"]
    assert "inside.deep" not in sys.modules
    module.f(1)
    assert Reach().code_of(module.f).text == before.text


def test_modules_that_import_each_other_come_to_an_end() -> None:
    Path("left.py").write_text("from right import *\ndef f(x): return g(x) + missing\n")
    module = load("right", "from left import *\ndef g(x): return f(x) + h\nh = 1\n")

    found = code(sys.modules["left"].f)

    assert {*found.parts} == {"left.f", "right.g", "right.h"}
    assert found.unseen == ("left.missing: it is not there yet",)
    assert module.h == 1


def test_what_a_task_is_called_with_counts() -> None:
    text = "class Model:\n    K = 1\ndef helper(x): return x\ndef f(*x): return x\n"
    module = load("given", text)
    model = module.Model()
    model.asks = module.helper

    assert [*code(module.f, module.Model()).parts] == ["given.Model", "given.f"]
    assert [*code(module.f, model).parts] == ["given.Model", "given.f"]
    assert [*code(module.f, [module.helper]).parts] == ["given.f", "given.helper"]
    assert [*code(module.f, [("a", module.helper)]).parts] == ["given.f", "given.helper"]
    assert [*code(module.f, [(1,) * 17, {"a": 1}]).parts] == ["given.f"]
    assert [*code(module.f, partial(module.helper, 1)).parts] == ["given.f", "given.helper"]
    assert [*code(module.f, 1, "text").parts] == ["given.f"]


class Proxy:
    """Stands in for something that is not there."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("nothing is there")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("nothing is there")


def test_objects_are_not_asked_for_what_they_are() -> None:
    module = load("closed", "def make(thing):\n    def f(x): return thing\n    return f\n")

    found = code(module.make(Proxy()), Proxy(), [Proxy()])

    assert "closed.make" in found.parts


def test_what_can_not_be_looked_at_is_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Reach, function: Any, arguments: Any) -> Code:
        raise ZeroDivisionError("of a strange object")

    monkeypatch.setattr(Reach, "code_of", broken)
    module = load("strange", "def f(x): return x\n")

    assert code(module.f).unseen == (
        "strange.f: it can't be looked at (ZeroDivisionError: of a strange object)",
    )


def test_more_parts_than_the_limit_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jug.code.reach.MOST_PARTS", 3)
    chain = (
        "".join(f"def f{n}(x): return f{n + 1}(x)\n" for n in range(9)) + "def f9(x): return x\n"
    )
    module = load("chain", chain)

    found = code(module.f0)

    assert [*found.parts] == ["chain.f0"]
    assert found.unseen == ("more than 3 functions, classes and values",)
    assert [*code(module.f8).parts] == ["chain.f8", "chain.f9"]


def test_packages_are_a_border_unless_they_were_installed_from_elsewhere() -> None:
    site = Path("lib", "site-packages")
    for package in ("bought", "own"):
        site.joinpath(package).mkdir(parents=True)
        site.joinpath(package, "__init__.py").write_text("def helper(x): return x\n")
        about = site / f"{package}-1.dist-info"
        about.mkdir()
        (about / "RECORD").write_text(f"{package}/__init__.py,,\n")
    (site / "own-1.dist-info" / "direct_url.json").write_text('{"url": "file:///project"}')
    sys.path.insert(0, str(site.absolute()))
    text = "import bought, own\ndef f(x): return bought.helper(x) + own.helper(x)\n"

    found = code(load("buyer", text).f)

    assert [*found.parts] == ["buyer.f", "own.helper"]
    assert found.border == ("bought",)
    assert is_project("own")
    assert not is_project("bought")


def test_a_store_that_keeps_no_code_tells_what_it_can(store: BaseStore) -> None:
    class Keepless(DictStore):
        keep_code = BaseStore.keep_code
        kept_code = BaseStore.kept_code

    keepless = Keepless()
    text = "def helper(x): return {}\ndef f(x): return helper(x) + {}\n"
    task = Task(load("shelf", text.format("x", 1)).f, 1)
    task.own_store = keepless
    task.run()

    def answer(of_helper: str, of_f: int) -> Answer | None:
        task.f = load("shelf", text.format(of_helper, of_f)).f
        return compare([task], keepless).answer(task.digest)

    assert answer("x", 1) is Answer.FRESH
    assert answer("-x", 1) is Answer.NOT_KNOWN
    assert answer("x", 2) is Answer.STALE


@pytest.mark.parametrize("said", ["", "0123456789abcdef", "2:" + "0" * 24])
def test_what_another_scheme_says_is_not_compared(store: BaseStore, said: str) -> None:
    task = Task(load("plain", "def f(x): return x\n").f, 1)

    assert split(said) is None
    assert compare_record(task, Record(code=said), store) is Answer.NOT_KNOWN
    assert accepted(store) == []


def test_one_record_is_compared_alone(store: BaseStore) -> None:
    task = Task(load("single", "def f(x): return x\n").f, 1)
    task.run()
    record = store.record(task.digest)
    assert record is not None

    assert compare_record(task, record, store) is Answer.FRESH
    task.f = load("single", "def f(x): return -x\n").f
    change = compare_record(task, record, store)
    assert isinstance(change, Change)
    assert change.is_own
    assert [part.name for part in change.parts] == ["single.f"]
    assert change.first == change.last == record.end


class Asked(DictStore):
    """A store that notes how many results it is asked for, and how many records."""

    def __init__(self) -> None:
        super().__init__()
        self.results, self.read = 0, 0

    def exists_after_poll(self, digests: Iterable[bytes]) -> list[bool]:
        wanted = list(digests)
        self.results += len(wanted)
        return super().exists_after_poll(wanted)

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        self.read += len(digests)
        return super().records(digests)


def test_where_all_code_is_of_now_no_result_is_looked_up() -> None:
    module = load("many", "def f(x): return x\ndef g(x): return x")
    with Asked() as store, using_here(store):
        tasks = [Task(module.f if number else module.g, number) for number in range(3000)]
        for task in tasks:
            task.run()

        assert find_stale(tasks, store) == Comparison()
        assert (store.results, store.read) == (0, 0)


def test_code_that_is_not_of_now_is_found_among_thousands() -> None:
    before = load("changed", "def f(x): return x")
    with Asked() as store, using_here(store):
        tasks = [Task(abs, number) for number in range(2500)]
        for task in [*tasks, Task(before.f, 1)]:
            task.run()
        now = load("changed", "def f(x): return 2 * x")

        found = find_stale([*tasks, Task(now.f, 1)], store)

    assert [change.name for change in found.names["changed.f"].changes] == ["changed.f"]
    assert store.read == 2501


def test_where_kept_code_is_damaged_what_is_left_of_it_does_not_speak_for_all() -> None:
    class Damaged(DictStore):
        def kept_code(self) -> dict[bytes, bytes]:
            self.lacks_code = True
            return {key: piece for key, piece in super().kept_code().items() if key != lost}

    lost, before = b"", load("torn", "def f(x): return x")
    with Damaged() as store, using_here(store):
        old = Task(before.f, 1)
        old.run()
        (lost,) = [key for key in store.kept_code() if key[:1] == b"c"]
        now = load("torn", "def f(x): return -x")
        tasks = [Task(now.f, 1), Task(now.f, 2)]
        tasks[1].run()

        assert compare(tasks, store).stale_counts == {"torn.f": 1}
        assert find_stale(tasks, store).stale_counts == {"torn.f": 1}


def test_code_that_two_functions_of_one_name_exchange_is_found(store: BaseStore) -> None:
    text = (
        "def make(n):\n  if n:\n    def f(x): return x\n"
        "  else:\n    def f(x): return -x\n  return f\n"
    )
    before = load("exchanged", text)
    for task in (Task(before.make(0), 1), Task(before.make(1), 2)):
        task.run()
    now = load("exchanged", text)

    same = [Task(now.make(0), 1), Task(now.make(1), 2)]
    assert not find_stale(same, store).has_stale
    exchanged = [Task(now.make(1), 1), Task(now.make(0), 2)]
    assert find_stale(exchanged, store).stale_counts == {"exchanged.make.f": 2}


def test_the_code_of_one_version_is_kept_once(store: BaseStore) -> None:
    text = "def helper(x): return x\ndef f(x): return helper(x)\ndef g(x): return helper(x)\n"
    module = load("shared", text)
    for function in (module.f, module.g, module.f):
        Task(function, len(alltasks)).run()

    kept = store.kept_code()

    assert sorted(key[:1] for key in kept) == [b"c", b"c", b"p", b"p", b"p"]


# The text of a syntax tree

names = st.sampled_from(["a", "b", "np", "self"])
constants = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.binary(max_size=3),
    st.booleans(), st.none(),
).map(lambda value: f"({value!r})")  # fmt: skip
expressions = st.recursive(
    names | constants,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+ - * / // % ** and or < == in is".split()), inner)
        .map(" ".join).map("({})".format),
        st.tuples(names, inner, inner).map(lambda t: "{}({}, *{})".format(*t)),
        st.tuples(inner, names).map(lambda t: "({}).{}".format(*t)),
        st.tuples(inner, inner).map(lambda t: "[{}, {}]".format(*t)),
        st.tuples(inner, inner).map(lambda t: "{{{}: {}}}".format(*t)),
        st.tuples(names, names, inner).map(lambda t: "[{} for {} in {}]".format(*t)),
        st.tuples(names, inner).map(lambda t: "(lambda {}, *c, d=1: {})".format(*t)),
        st.tuples(inner, inner, inner).map(lambda t: "({} if {} else {})".format(*t)),
        names.map("f'{{{0}!r:>10}} and {{{0}}}'".format),
        st.tuples(names, inner).map(lambda t: "({} := {})".format(*t)),
    ),
    max_leaves=8,
)  # fmt: skip
statements = st.one_of(
    st.tuples(names, expressions).map(lambda t: "{} = {}".format(*t)),
    st.tuples(names, expressions).map(lambda t: "{}[{}] = 1".format(*t)),
    expressions.map("return {}".format),
    st.tuples(names, expressions).map(
        lambda t: "for {} in {}:\n        pass\n    else:\n        del (a, b)".format(*t)
    ),
    expressions.map("if {}:\n        import a.b as c\n        yield c".format),
    names.map("try:\n        raise\n    except {} as e:\n        print(e)".format),
    expressions.map("match {}:\n        case [1, *a] | {{'k': a}}:\n            pass".format),
    names.map("with {} as (a, b):\n        global c\n        c += 1".format),
)


@given(st.lists(statements, min_size=1, max_size=5))
def test_how_code_is_written_changes_nothing(lines: list[str]) -> None:
    source = "def f(a: int = 1, /, *, b=2) -> int:\n    " + "\n    ".join(lines)
    tree = ast.parse(source)
    told = dump(tree.body)

    again = ast.unparse(tree).replace("def f", "\n\ndef f").replace("->", " -> ")

    assert dump(ast.parse(again).body) == told
    assert told.text


@given(expressions, expressions)
def test_what_differs_has_another_text(one: str, two: str) -> None:
    first, second = ast.parse(one, mode="eval"), ast.parse(two, mode="eval")

    is_same = dump([first]).text == dump([second]).text

    assert is_same == (ast.dump(first) == ast.dump(second))


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("def f(x): return np.random.rand(x) + y", {("np", "random", "rand"), ("y",)}),
        ("def f(x):\n    y = x\n    return y", set()),
        ("def f(x):\n    def g(z): return x + z + w\n    return g", {("w",)}),
        ("def f(x):\n    global y\n    y = x\n    return y", {("y",)}),
        ("def f(x):\n    global y\n    y += x\n    x += 1", {("y",)}),
        ("def f(x): return [y for y in x if z] + y", {("z",), ("y",)}),
        ("def f(x):\n    [y := z for z in x]\n    return y", set()),
        ("def f(x):\n    try: pass\n    except E as e: return e", {("E",)}),
        ("def f(x, y=D) -> R:\n    z: A = 1\n    return z", {("D",)}),
        ("class C(B):\n    K = 1\n    def m(self): return self.K + N", {("B",), ("N",)}),
        ("def f(x):\n    match x:\n        case {'k': v, **rest}: return v, rest", set()),
        ("x = lambda y, *z: y + z + w", {("w",)}),
        ("class C:\n    K = N\n    def m(self): return K", {("N",), ("K",)}),
        ("class C:\n    K = N\n    L = [k for k in K]", {("N",)}),
    ],
)
def test_names_are_told_that_are_read_from_the_module(source: str, reads: set[Any]) -> None:
    assert dump(ast.parse(source).body).reads == reads


def test_an_annotation_alone_says_no_more_than_that_a_name_is_local() -> None:
    plain = dump(ast.parse("def f(x): return y").body)
    annotated = dump(ast.parse("def f(x):\n    y: A\n    return y").body)

    assert annotated.text == plain.text
    assert (annotated.reads, plain.reads) == (frozenset(), {("y",)})


def test_an_f_string_is_the_same_in_one_piece_or_several() -> None:
    whole, parts = "f'a{x}b' 'c'", "f'a' f'{x}' 'b' 'c'"

    assert dump([ast.parse(whole)]).text == dump([ast.parse(parts)]).text


def test_a_tree_is_seen_whole_however_deep_the_stack_is() -> None:
    long = "def f(x): return " + "+".join(["x"] * 900)

    told = deep_down(700, lambda: SourceFile("m", "m.py", long).piece("f").dump)

    assert told == SourceFile("m", "m.py", long).piece("f").dump
    assert told.unseen == ()


def deep_down(levels: int, call: Callable[[], Any]) -> Any:
    """Call something from far down the stack."""
    return deep_down(levels - 1, call) if levels else call()


def test_a_tree_that_is_deeper_than_any_that_is_read_is_unseen() -> None:
    tree: ast.expr = ast.Constant(1)
    for _ in range(30_000):
        tree = ast.BinOp(tree, ast.Add(), ast.Constant(1))

    assert dump([tree]).unseen == ("it is nested too deeply",)
