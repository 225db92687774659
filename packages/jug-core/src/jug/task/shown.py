"""What a notebook shows of a task: its call, its state, its value if it is loaded, its run."""

from __future__ import annotations

import time
from typing import Any

from jug import html
from jug.errors import HashError, JugError
from jug.records import Record
from jug.tables import size
from jug.task.short_form import call_form, short_form
from jug.wording import duration
from jug.workers import Life, holder_of


def as_html(task: Any) -> str:
    """Return a task as HTML, also where its hash or its store can't be had."""
    about: dict[str, str] = {}
    record: Record | None = None
    try:
        about["hash"] = task.digest.hex()
        about["state"] = _state(task)
        record = task.store.record(task.digest)
    except HashError as error:
        about["hash"] = str(error)
    except JugError as error:  # no store was chosen, or it can't be read
        about["state"] = f"not known: {error}"
    if task.is_loaded():
        about["value"] = short_form((task.loaded_value,), {})
    return html.facts(call_form(task), about | _run(record), _texts(record))


def _state(task: Any) -> str:
    if task.can_load():
        return "finished"
    store = task.store
    holder = holder_of(store, task.digest)
    if holder is not None and holder.life is Life.ALIVE:
        return "running"
    return "failed" if task.digest in store.failures() else "not done"


def _run(record: Record | None) -> dict[str, str]:
    if record is None:
        return {}
    return {
        "exception": record.exception,
        "ran": f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(record.start))} "
        f"for {duration(record.duration)}",
        "size": size(record.size) if record.size else "",
    }


def _texts(record: Record | None) -> dict[str, str]:
    return {} if record is None else {"traceback": record.traceback}
