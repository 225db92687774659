"""What is to be seen of a jugfile's run, also where the jugfile can't be read.

A jugfile that somebody just edits, that needs what this machine does not have, or that is gone,
is no reason not to show what its workers have left: its store says what that is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, TextIO

from jug.cli.read_files import ReadFiles
from jug.cli.reading import job_of, options_of_store, traceless
from jug.errors import JugError, JugfileError, StoreError
from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.jugfile import Jugfile, Jugspace
    from jug.report.findings import Findings, Subject
    from jug.task.graph import Graph

__all__ = ["Sight", "sight"]


class Sight:
    """A jugfile's tasks, or stand-ins for those that were recorded, to be looked at."""

    def __init__(
        self,
        jugspace: Jugspace,
        graph: Graph,
        subject: Subject,
        jugfile: Jugfile | None = None,
        files: ReadFiles | None = None,
    ) -> None:
        self._jugspace = jugspace
        self._graph = graph
        self._jugfile = jugfile
        self._files = files
        self.subject = subject
        """What the jugfile and its store are called, and why it could not be read if so."""

    def look(self) -> Findings:
        """Return what is known now; once a barrier is open the jugfile is read on."""
        from jug.report.findings import find

        if self.subject.trouble:
            self._jugspace, self._graph = _recorded(self._jugspace.store)
        elif self._is_barrier_open():
            self._read_on()
        if self._files is not None:
            self.subject = self.subject._replace(changed=self._files.changed())
        return find(self._jugspace, self.subject, self._graph)

    def _is_barrier_open(self) -> bool:
        store, awaited = self._jugspace.store, self._jugspace.barrier_tasks
        if not awaited:
            return False
        store.poll()
        return all(task.is_done(store) for task in awaited)

    def _read_on(self) -> None:
        from jug.execution.job import explained

        assert self._jugfile is not None  # it has been read as far as the barrier
        try:
            self._jugspace = explained(self._jugfile, self._jugfile.read_again)
            self._graph = _hashed(self._jugspace)
        except StoreError:
            raise
        except JugError as error:
            self.subject = _with_trouble(self.subject, error)
            self._jugspace, self._graph = _recorded(self._jugspace.store)


@contextmanager
def sight(options: Options, prints_to: TextIO | None = None) -> Iterator[Sight]:
    """Read the jugfile if it can be read, and yield what is to be seen.

    What it prints goes to where it is said.  Raises `JugfileError` where there is neither a
    jugfile nor a store.
    """
    with traceless(options.jugfile):
        with redirect_stdout(prints_to) if prints_to is not None else nullcontext():
            seen = _seen(options)
        yield seen


def _seen(options: Options) -> Sight:
    from jug.report.findings import Subject
    from jug.session import current_store, is_store_chosen

    try:
        job = job_of(options, only_looks=True)
        jugfile, jugspace = job.begin()
        graph = _hashed(jugspace)
    except StoreError:
        raise
    except JugError as error:
        store = current_store() if is_store_chosen() else _store_alone(options, error)
        trouble = _with_trouble(Subject(options.jugfile, store.url), error)
        return Sight(*_recorded(store), trouble)
    subject = Subject(os.path.join(job.folder, job.jugfile), jugspace.store.url)
    return Sight(jugspace, graph, subject, jugfile, ReadFiles(job.jugfile, job.folder))


def _hashed(jugspace: Jugspace) -> Graph:
    from jug.task.graph import Graph

    return Graph(jugspace.tasks)


def _store_alone(options: Options, error: JugError) -> BaseStore:
    """Return the store of a jugfile that is not there; raise the error if that is not either."""
    from jug.backends.registry import open_store
    from jug.jugfile import jugdir_of
    from jug.session import use_store

    jugdir = jugdir_of(options.jugfile, options.jugdir)
    given = options_of_store(options, options.jugfile, jugdir, only_looks=True)
    store = open_store(jugdir, **given)
    scheme, _, path = store.url.partition(":")
    if not isinstance(error, JugfileError) or (scheme == "file" and not os.path.exists(path)):
        store.close()
        raise error
    store.jugfile = options.jugfile
    use_store(store)
    return store


def _recorded(store: BaseStore) -> tuple[Jugspace, Graph]:
    from jug.task import alltasks
    from jug.views.recorded import recorded

    alltasks.clear()
    jugspace = recorded(store)
    return jugspace, _hashed(jugspace)


def _with_trouble(subject: Subject, error: JugError) -> Subject:
    return subject._replace(trouble=str(error), traceback=getattr(error, "traceback", ""))
