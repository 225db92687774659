"""Executing a jugfile: one worker or many, started and looked after from here.

One worker is forked before the jugfile is read, so that its supervisor stays
small and free of the user's code.  Several are forked after the jugfile was read
here, which reads it, and imports what it imports, once for all.  A fork copies
only the thread that forks, so that is safe only while there is no other and no
library that is known to keep locks and threads of its own; otherwise each worker
starts anew and reads the jugfile itself, and the log says why.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from jug import heart
from jug.attempt import describe_exception, own_traceback
from jug.backends.base import BaseStore
from jug.backends.current import use_store
from jug.backends.registry import open_store
from jug.errors import JugError, JugfileError, OptionError
from jug.failures import failed_before
from jug.hooks import jug_hook
from jug.jugfile import Jugfile, Jugspace, say_that_jug_runs
from jug.summary import Ending, Summary
from jug.supervisor import SIGNALS, Link, Supervisor, handle_signals
from jug.worker import Settings, Worker

__all__ = ["Job", "execute"]

log = logging.getLogger("jug.execution")

UNSAFE_TO_FORK: Final = ("torch", "jax", "tensorflow", "polars", "grpc")
"""Libraries whose threads and locks do not survive a fork."""


@dataclass
class Job:
    """A jugfile to execute, and how.  It pickles, for workers that are started anew."""

    jugfile: str
    arguments: list[str]
    jugdir: str
    settings: Callable[[], Settings] = Settings
    """Called in each worker after it has read the jugfile, which may set options itself."""
    store_options: dict[str, Any] = field(default_factory=dict)

    def open_store(self) -> BaseStore:
        """Return the store, opened anew."""
        return open_store(self.jugdir, **self.store_options)

    def begin(self) -> tuple[Jugfile, Jugspace]:
        """Read the jugfile for the first time, with the store as the one in use."""
        say_that_jug_runs()
        jugfile = Jugfile(self.jugfile, self.arguments)
        use_store(self.open_store())
        try:
            jugspace = jugfile.read()
        except (JugfileError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise told_of_jugfile(error, jugfile) from None
        # The tasks stay to the end.  A collector that looks at them finds nothing, not even
        # the one with which Python ends, and in a forked worker it copies their memory.
        gc.freeze()
        return jugfile, jugspace


def told_of_jugfile(error: BaseException, jugfile: Jugfile) -> JugfileError:
    """Return the error that says that the jugfile raised this, with the user's traceback."""
    if isinstance(error, SystemExit):  # on purpose, as argparse does it: no traceback helps
        return JugfileError(
            f"the jugfile {str(jugfile.path)!r} ended itself by sys.exit({error.code!r}): "
            "its tasks are known only when it is read to its end",
            path=str(jugfile.path),
        )
    return JugfileError(
        f"the jugfile {str(jugfile.path)!r} could not be read: {describe_exception(error)}",
        path=str(jugfile.path),
        traceback=own_traceback(error),
    )


def execute(job: Job, jobs: int = 1, in_process: bool = False) -> Summary:
    """Run the jugfile's tasks with so many workers; return what was done and why it ended.

    With `in_process` one worker runs in this very process, for a debugger.
    """
    if jobs < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {jobs}")
    if in_process or not hasattr(os, "fork"):
        if jobs > 1:
            raise OptionError(
                "several workers need one process each: start `jug execute` several times"
            )
        return _work_here(job)
    if jobs == 1:
        return _supervise(job, 1, lambda link: _fork(link, lambda: _read_and_work(job, link, 1)))
    jugfile, jugspace = job.begin()
    with jugspace.store:
        return _share_out(job, jugfile, jugspace, jobs)


def _share_out(job: Job, jugfile: Jugfile, jugspace: Jugspace, jobs: int) -> Summary:
    """Have several workers do what was read here."""
    if not jugspace.store.shared:
        raise OptionError(
            f"several workers can't share {jugspace.store.url!r}: "
            "run one, or choose a directory or a server as the jugdir"
        )
    forgiven = failed_before(jugspace.store)
    reason = why_not_fork()
    if reason:
        log.warning("each worker reads the jugfile itself: %s", reason)
        return _supervise(job, jobs, lambda link: _spawn(link, job, jobs), forgiven)

    def start(link: Link) -> int:
        return _fork(link, lambda: _work(job, jugfile, jugspace, link, jobs))

    return _supervise(job, jobs, start, forgiven)


def why_not_fork() -> str:
    """Return why a fork might leave locks held in the child, empty if it won't."""
    loaded = [name for name in UNSAFE_TO_FORK if name in sys.modules]
    if loaded:
        return f"{loaded[0]} is loaded, which does not survive a fork"
    if threading.active_count() > 1:
        others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        return f"the jugfile has started threads ({', '.join(others)})"
    return ""


def _supervise(
    job: Job, count: int, start: Callable[[Link], int], forgiven: set[bytes] | None = None
) -> Summary:
    return Supervisor(start, count, job.open_store, forgiven).run()


# What runs in a worker


def _work_here(job: Job) -> Summary:
    jugfile, jugspace = job.begin()
    with jugspace.store:
        return _run(Worker(jugspace, jugfile.read_again, job.settings()))


def _read_and_work(job: Job, link: Link, count: int) -> Summary:
    jugfile, jugspace = job.begin()
    return work(jugspace, jugfile.read_again, job.settings(), link, count)


def _work(job: Job, jugfile: Jugfile, jugspace: Jugspace, link: Link, count: int) -> Summary:
    jugspace.store.after_fork()
    return work(jugspace, jugfile.read_again, job.settings(), link, count)


def work(
    jugspace: Jugspace,
    read: Callable[[], Jugspace],
    settings: Settings,
    link: Link,
    count: int,
) -> Summary:
    """Be one of a supervisor's workers, to the end."""
    worker = Worker(jugspace, read, settings, link.slot / count, link)
    _listen(worker, link)
    with jugspace.store:
        return _run(worker)


def _run(worker: Worker) -> Summary:
    """Work to the end; the hooks for it are called here, where the jugfile has set them."""
    summary = worker.run()
    jug_hook("execute.finished_pre_status")
    jug_hook("execute.finished_post_status")
    return summary


def _listen(worker: Worker, link: Link) -> None:
    """Have signals end the worker at once, and the death of the supervisor after its task."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        if worker.stop is not Ending.INTERRUPTED:
            worker.stop = Ending.INTERRUPTED
            if worker.is_in_task:
                raise KeyboardInterrupt

    def survive() -> None:
        worker.stop = Ending.INTERRUPTED
        if worker.is_in_task:
            heart.keep_beating(worker.store)

    handle_signals(interrupt)
    link.on_death(survive)


def run_forked(jugspace: Jugspace, settings: Settings, count: int) -> Summary:
    """Run tasks that this process has made, with so many workers forked from it."""

    def start(link: Link) -> int:
        return _fork(link, lambda: _work_forked(jugspace, settings, link, count))

    store = jugspace.store
    forgiven = failed_before(store)
    return Supervisor(start, count, lambda: nullcontext(store), forgiven).run()


def _work_forked(jugspace: Jugspace, settings: Settings, link: Link, count: int) -> Summary:
    jugspace.store.after_fork()
    return work(jugspace, lambda: jugspace, settings, link, count)


def _fork(link: Link, work: Callable[[], Summary]) -> int:
    pid = os.fork()
    if pid == 0:
        _be_worker(link, work)
    return pid


def _be_worker(link: Link, work: Callable[[], Summary]) -> None:
    """Do a worker's work in a process of its own, and end the process."""
    status = 1
    try:
        atexit._clear()
        handle_signals(signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        link.was_forked()
        random.seed()
        _seed_numpy()
        _report(link, work)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        status = 0
    finally:
        os._exit(status)


def _seed_numpy() -> None:
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _report(link: Link, work: Callable[[], Summary]) -> None:
    try:
        link.finished(work())
    except JugError as error:
        link.broke(error)
    except KeyboardInterrupt:
        link.finished(Summary(Ending.INTERRUPTED))
    except BaseException as error:
        link.broke(
            JugError(
                f"a worker stopped: {describe_exception(error)}",
                traceback="".join(traceback.format_exception(error)),
            )
        )


# Workers that are started anew


def _spawn(link: Link, job: Job, count: int) -> int:
    connection = link.connection.fileno()
    descriptors = (connection, link.board.descriptor)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "jug.execution", *map(str, descriptors)],
        stdin=subprocess.PIPE,
        pass_fds=descriptors,
    )
    assert child.stdin is not None
    with child.stdin as pipe:
        pickle.dump((job, link.slot, count, link.forgiven, link.is_first, sys.path), pipe)
    child.returncode = 0  # the supervisor waits for it, not subprocess
    return child.pid


def _main() -> None:
    import socket

    from jug.board import Board

    connection, board = map(int, sys.argv[1:])
    job, slot, count, forgiven, is_first, sys.path[:] = pickle.load(sys.stdin.buffer)
    link = Link(socket.socket(fileno=connection), Board(board), slot, (), forgiven, is_first)
    _be_worker(link, lambda: _read_and_work(job, link, count))


if __name__ == "__main__":
    _main()
