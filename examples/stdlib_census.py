"""Measure every module of the running Python's standard library, then rank and sum up.

Shows files as inputs (a file that changes is measured again), a jugfile with
arguments of its own, and many small results that go into few tasks.

    jug execute -j 4 stdlib_census.py                 the whole library, in census.txt
    jug execute -j 4 stdlib_census.py -- json email   these packages alone
"""

import ast
import sys
import tokenize
from collections import Counter
from pathlib import Path
from sysconfig import get_path

from jug import TaskGenerator
from jug.utils import timed_path

LIBRARY = Path(get_path("stdlib"))
TESTS = {"test", "tests", "idle_test"}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def files_of(packages):
    """Return the source files of these packages and modules, or of all."""
    return sorted(path for path in LIBRARY.rglob("*.py") if is_wanted(parts_of(path), packages))


def parts_of(path):
    return Path(path).relative_to(LIBRARY).with_suffix("").parts


def is_wanted(parts, packages):
    """Return whether a file is a module, not a test, and asked for."""
    is_module = all(part.isidentifier() for part in parts) and TESTS.isdisjoint(parts)
    return is_module and (not packages or parts[0] in packages)


def module_name(path):
    parts = parts_of(path)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(node):
    """Return the top-level modules that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {node.module.partition(".")[0]}
    return set()


@TaskGenerator
def measure(path):
    """Return the size of a module, its functions and what it imports."""
    with tokenize.open(path) as file:
        source = file.read()
    nodes = list(ast.walk(ast.parse(source)))
    functions = [(n.end_lineno - n.lineno + 1, n.name) for n in nodes if isinstance(n, FUNCTION)]
    return {
        "module": module_name(path),
        "lines": source.count("\n"),
        "functions": len(functions),
        "longest": max(functions, default=(0, "")),
        "imports": sorted(set().union(*map(imported_by, nodes))),
    }


@TaskGenerator
def rank(modules, key, how_many=10):
    """Return the modules that have most of something."""
    ordered = sorted(modules, key=lambda module: (module[key], module["module"]), reverse=True)
    return [(module["module"], module[key]) for module in ordered[:how_many]]


@TaskGenerator
def most_imported(modules, how_many=10):
    """Return the modules that most others import."""
    counts = Counter(name for module in modules for name in module["imports"])
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:how_many]


@TaskGenerator
def totals(modules):
    return {key: sum(module[key] for module in modules) for key in ("lines", "functions")}


@TaskGenerator
def write_summary(how_many, totals, by_lines, by_longest, imported):
    with open("census.txt", "w") as output:
        print(f"{how_many} modules", file=output)
        print(f"{totals['lines']} lines in {totals['functions']} functions", file=output)
        print("\nThe largest modules:", file=output)
        for name, lines in by_lines:
            print(f"{lines:8} lines  {name}", file=output)
        print("\nThe longest functions:", file=output)
        for name, (lines, function) in by_longest:
            print(f"{lines:8} lines  {name}.{function}", file=output)
        print("\nWhat most modules import:", file=output)
        for name, importers in imported:
            print(f"{importers:8} times  {name}", file=output)


modules = [measure(timed_path(str(path))) for path in files_of(sys.argv[1:])]
ranking = rank(modules, "lines")
imports = most_imported(modules)
write_summary(len(modules), totals(modules), ranking, rank(modules, "longest"), imports)
