"""Names and stores of jug 2.x that are gone, and what to use in their place.

Whoever asks for a name, by an import or as an attribute, is told that, rather than that
a module or an attribute does not exist.  A module stands for all that was in it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from jug.errors import AttributeGone, ImportGone, NameGone

if TYPE_CHECKING:
    from os import PathLike

_COMMANDS: Final = "commands of your own are click commands"
_RUN: Final = "jug.run(tasks) runs tasks from Python, jug.jug.main(['jug', 'execute', …]) a command"
_OPTIONS: Final = "jug.options.default_options holds all options, jug.jug.main([…]) runs a command"
_CHOICE: Final = "jug.selection.selection(name, pattern) tells which names are meant"
_STORE: Final = "a store is a subclass of jug.backends.base.BaseStore, which tells what it promises"
_LOCK: Final = "store.getlock(name) gives the lock of a task"
_MEMORY: Final = "every store keeps in memory what is there, so nothing is needed in its place"
_CODEC: Final = "jug.codec.encode and decode make bytes of values"
_RECORDS: Final = "store.metadata(task) says how long a task took"

_GONE: Final = {
    "jug.backends.base.base_lock": _LOCK,
    "jug.backends.base.base_store": _STORE,
    "jug.backends.dict_store.dict_lock": _LOCK,
    "jug.backends.encode": _CODEC,
    "jug.backends.file_keepalive_monitor": "every store shows by itself which workers live",
    "jug.backends.file_store.file_based_lock": _LOCK,
    "jug.backends.file_store.file_keepalive_based_lock": _LOCK,
    "jug.backends.file_store.file_keepalive_store": "file_store does what it did",
    "jug.backends.file_store.fsync_dir": "os.fsync takes an open directory",
    "jug.backends.file_store.MAX_FILESIZE_IN_PACK": "packing needs no limit",
    "jug.backends.memoize_store": _MEMORY,
    "jug.backends.redis_store.redis_functional": "importing redis tells whether it is there",
    "jug.backends.redis_store.redis_lock": _LOCK,
    "jug.backends.select": "jug.backends.registry.open_store(jugdir) opens any store",
    "jug.compound.compound_task_execute": "CompoundTask(f, …) makes such a task",
    "jug.hooks.execution": _RECORDS,
    "jug.hooks.register": "jug.hooks has what was in it",
    "jug.internal": "jug execute --pdb debugs a task that fails",
    "jug.io.get_terminal_size": "shutil.get_terminal_size does the same",
    "jug.jug.execution_loop": _RUN,
    "jug.jug.ExecutionState": _RUN,
    "jug.jug.task": "jug.task has what was in it",
    "jug.jug_version": "jug.__version__ is the version",
    "jug.mapreduce.block_access": "jug.mapreduce.map gives what can be indexed and sliced",
    "jug.mapreduce.block_access_slice": "jug.mapreduce.map gives what can be indexed and sliced",
    "jug.options.add_common_options": _COMMANDS,
    "jug.options.build_parser": _OPTIONS,
    "jug.options.find_local_configuration_files": "jug.options.read_configuration() reads them",
    "jug.options.key_to_option": _OPTIONS,
    "jug.options.load_default_options": "jug.options.configured() gives them",
    "jug.options.parse": _OPTIONS,
    "jug.options.read_configuration_file": "jug.options.read_configuration() reads all of them",
    "jug.subcommands": _COMMANDS,
    "jug.task.TaskletMixin": "Task and Tasklet have nothing in common but methods",
    "jug.utils.add_task_selection_options": _COMMANDS,
    "jug.utils.hash_with_mtime_size": "jug.utils.timed_path(path) is hashed so",
    "jug.utils.prepare_matcher_from_options": _CHOICE,
    "jug.utils.prepare_name_matcher": _CHOICE,
    "jug.utils.prepare_task_matcher": _CHOICE,
}


def refuse_if_gone(name: str, kind: type[NameGone] = ImportGone) -> None:
    """Raise `NameGone` of this kind if a module or what was in one is gone."""
    advice = _GONE.get(name)
    if advice is not None:
        raise kind(f"{name} of jug 2.x is gone: {advice}", name=name)


def tell_what_is_gone(module: str) -> None:
    """Let a module say what to use where one of its former names is asked for.

    >>> import jug.task
    >>> jug.task.TaskletMixin
    Traceback (most recent call last):
    ...
    jug.errors.AttributeGone: jug.task.TaskletMixin of jug 2.x is gone: Task and ...
    """

    def get(name: str) -> NoReturn:
        if f"{module}.{name}" in _GONE:
            kind = ImportGone if _is_imported_from() else AttributeGone
            refuse_if_gone(f"{module}.{name}", kind)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    vars(sys.modules[module])["__getattr__"] = get


def _is_imported_from() -> bool:
    """Return whether whoever asks a module for a name does so by ``from … import …``.

    There only an `ImportError` keeps its message, and elsewhere only an `AttributeError`
    lets others ask by `hasattr` whether a name is there.
    """
    from inspect import currentframe  # both are slow to import
    from opcode import opname

    frame = currentframe()
    for _ in range(2):
        frame = None if frame is None else frame.f_back
    return frame is not None and opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"


def is_former_dict_file(content: bytes) -> bool:
    """Return whether a file is as `dict_store` of jug 2.x wrote it: a pickled dict, by hashes."""
    return content.startswith(b"\x80") and b"result:" in content[:64]


def how_to_adopt(path: str | PathLike[str], scheme: str = "") -> str:
    """Return how the results in what jug 2.x wrote are brought over.

    >>> print(how_to_adopt("work/primes.jugdata"))
    `jug adopt --jugdir work/primes.jugdata JUGFILE` renames it to 'primes.jugdata.2x' and ...
    """
    from shlex import quote  # slow to import

    command = f"jug adopt --jugdir {quote(f'{scheme}{path}')} JUGFILE"
    return (
        f"`{command}` renames it to {os.path.basename(path) + '.2x'!r} and brings "
        "its results over (docs/from-jug-2.md in jug's documentation says how)"
    )
