"""`jug shell`: a jugfile's names and results in an interactive Python."""

from __future__ import annotations

import code
from collections.abc import Callable
from typing import Any, Final

from jug.cli.jugfile_command import jugfile_command
from jug.cli.lookup import find_task
from jug.cli.reading import reading
from jug.errors import TaskError
from jug.jugfile import Jugspace
from jug.options import Options
from jug.session import current_store
from jug.task import Task, alltasks, find_dependencies, value
from jug.task.graph import Graph


@jugfile_command(
    epilog="""\b
Examples:
  jug shell primes.py
  value(primes100)[:10]
  invalidate(n_primes)
  get_filtered_tasks(failed=True)

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage.""",
)
def command(options: Options) -> None:
    """Start an interactive Python with JUGFILE's names: IPython if that is installed.

    Besides there are `value(x)`, the result of a task or of all in a list or dict;
    `invalidate(x)`, which removes results and all that was made from them;
    `get_tasks()`; `get_filtered_tasks(loadable=..., failed=...)`; and `get_task(x)`,
    by hash or name.
    """
    with reading(options, to_run=True) as jugspace:
        interact(namespace(jugspace), banner(jugspace))


def namespace(jugspace: Jugspace) -> dict[str, Any]:
    """Return the names of the shell: the jugfile's, and over these the functions of this module."""
    return {**jugspace.names, **{function.__name__: function for function in _FUNCTIONS}}


def banner(jugspace: Jugspace) -> str:
    """Return what the shell says at its start."""
    lines = [
        "The jugfile's names are here, and",
        "",
        "    value(x)              the result of a task, or of all in a list or dict",
        "    invalidate(x)         remove results, and all that was made from them",
        "    get_tasks()           all tasks",
        "    get_filtered_tasks(loadable=None, failed=None)",
        "    get_task(x)           the task of this hash or name",
        "",
    ]
    mine = namespace(jugspace)
    hidden = [name for name in mine if mine[name] is not jugspace.names.get(name, mine[name])]
    if hidden:
        lines.insert(-1, f"These hide the jugfile's own {', '.join(hidden)}.")
    if jugspace.barrier_tasks:
        lines.insert(-1, "It stops at a barrier: what it names behind that is not here yet.")
    return "\n".join(lines)


def interact(names: dict[str, Any], greeting: str) -> None:
    """Run an interactive Python until it is left: IPython if that is installed."""
    try:
        from IPython import start_ipython
        from traitlets.config import Config
    except ModuleNotFoundError:
        code.interact(greeting, local=names, exitmsg="")
        return
    config = Config()
    config.TerminalInteractiveShell.banner1 = greeting
    start_ipython(argv=[], user_ns=names, config=config)


def invalidate(x: Any) -> None:
    """Remove the results of the tasks in `x`, and of all that depend on them."""
    named = list(find_dependencies(x))
    if not named:
        raise TaskError(f"there is no task in {x!r}: name one, or a list or dict of tasks")
    graph = _graph()
    numbers = graph.with_dependants(graph.numbers[task.digest] for task in named)
    tasks = [graph.tasks[number] for number in numbers]
    removed = sum(
        store.discard([task.digest for task in tasks if task.store is store])
        for store in {task.store for task in tasks}
    )
    digests = {task.digest for task in tasks}
    for task in alltasks:
        if task.digest in digests:
            task.unload()
    print(f"{removed} {'result' if removed == 1 else 'results'} removed")


def get_tasks() -> list[Task[Any]]:
    """Return all tasks, each after those that it was made from."""
    return _graph().tasks


def get_filtered_tasks(loadable: bool | None = None, failed: bool | None = None) -> list[Task[Any]]:
    """Return the tasks that have a result, or have none; that failed, or did not."""
    tasks = get_tasks()
    for store in {task.store for task in tasks}:
        store.poll()
    return [
        task
        for task in tasks
        if (loadable is None or task.store.has(task.digest) == loadable)
        and (failed is None or (task.digest in task.store.failures()) == failed)
    ]


def get_task(x: str | bytes) -> Task[Any]:
    """Return the task of this name, or hash, whose first digits suffice; see `jug show --help`."""
    text = x.decode() if isinstance(x, bytes) else x
    return find_task(Jugspace(current_store(), alltasks), text)


def _graph() -> Graph:
    return Graph(alltasks)


_FUNCTIONS: Final[tuple[Callable[..., Any], ...]] = (
    value,
    invalidate,
    get_tasks,
    get_filtered_tasks,
    get_task,
)
