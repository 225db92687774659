"""Modules that had another name in an earlier version.

The hashes by which results are found, and the results themselves, name functions
and classes by their modules.  So a module that moved keeps its former name in
hashes, and a stored result that has the former name is read from the new place.
"""

from __future__ import annotations

from typing import Final

IN_HASHES: Final = {
    "jug.execution.run": "jug._run",
    "jug.task.arguments": "jug._arguments",
    "jug.task.describe": "jug._describe",
    "jug.task.generator": "jug._generator",
    "jug.task.task": "jug._task",
    "jug.task.tasklet": "jug._tasklet",
    "jug.task.values": "jug._arguments",
}
"""What a module is called in hashes."""

IN_RESULTS: Final = {
    "jug._arguments": "jug.task",
    "jug._describe": "jug.task",
    "jug._generator": "jug.task",
    "jug._run": "jug",
    "jug._task": "jug.task",
    "jug._tasklet": "jug.task",
}
"""Where to find what a stored result has from a module that is not there any more."""
