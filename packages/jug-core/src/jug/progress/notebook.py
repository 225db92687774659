"""Progress as a bar below a notebook's cell, where ipywidgets is installed."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from jug.descriptors import write_all
from jug.progress.snapshot import Snapshot
from jug.progress.wording import sentence

__all__ = ["NotebookDisplay", "is_in_notebook"]


class NotebookDisplay:
    """Fills a bar, with the rest in words beside it."""

    interval = 0.25

    def __init__(self, widgets: Any) -> None:
        from IPython.display import display

        self._bar = widgets.IntProgress(layout={"width": "30%"})
        self._text = widgets.Label()
        display(widgets.HBox([self._bar, self._text]))  # type: ignore[no-untyped-call]

    def show(self, snapshot: Snapshot) -> None:
        """Fill the bar as far as the tasks are done."""
        self._bar.max, self._bar.value = max(snapshot.total, 1), snapshot.done
        self._text.value = sentence(snapshot)
        if snapshot.failed:
            self._bar.bar_style = "danger"
        elif not snapshot.left:
            self._bar.bar_style = "success"

    def write(self, descriptor: int, data: bytes, source: Hashable = None) -> None:
        """Write what others print as it is."""
        write_all(descriptor, data)

    def pause(self) -> None:
        """Do nothing, as the bar is in nobody's way."""

    def close(self) -> None:
        """Let the bar stay."""


def is_in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook.

    >>> is_in_notebook()
    False
    """
    import sys

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
