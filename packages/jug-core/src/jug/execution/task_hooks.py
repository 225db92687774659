"""Hooks that are called for a task or in a wait, and that may end the worker."""

from __future__ import annotations

from typing import Any

from jug.hooks import jug_hook
from jug.task import forks


def may_go_on(hook: str, *arguments: Any) -> bool:
    """Call a hook; return whether it lets the worker start further tasks."""
    with forks.ended_here():
        try:
            jug_hook(hook, arguments)
        except SystemExit:
            return False
    return True
