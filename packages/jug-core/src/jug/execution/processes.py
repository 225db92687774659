"""The processes of workers: how they start, what they do first and last.

One worker is forked before the jugfile is read, so that its supervisor stays
small and free of the user's code.  Several are forked after the jugfile was read
by the command, which reads it, and imports what it imports, once for all.  A fork
copies only the thread that forks, so that is safe only while there is no other and
no library that is known to keep locks and threads of its own; otherwise each worker
is a new Python that reads the jugfile itself, and the log says why.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from io import FileIO
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, NoReturn

from jug import code
from jug.backends.base import BaseStore
from jug.errors import JugError, StoreError
from jug.execution.connection import SupervisorConnection
from jug.execution.draining import DRAINING, Drain, handle_draining
from jug.execution.failures import failed_before
from jug.execution.job import Job, explained, note_what_is_shared
from jug.execution.leaving import end_own, forget_exit_functions, leave, leave_to_parent
from jug.execution.open_files import before_fork
from jug.execution.other_hashes import warn_of_other_hashes
from jug.execution.parent_death import die_with
from jug.execution.reading_on import Read
from jug.execution.settings import Settings
from jug.execution.signals import SIGNALS, SUSPENDING, handle_signals
from jug.execution.slots import WorkerSlots
from jug.execution.summary import Ending, Summary
from jug.execution.supervisor import Supervisor
from jug.execution.worker import Worker
from jug.hooks import jug_hook
from jug.jugfile import Jugfile, Jugspace
from jug.messages import Log, tell_directly
from jug.progress import Display
from jug.tracebacks import describe_exception

if TYPE_CHECKING:
    from jug.execution.longest_runs import KnownRuns

log = Log("worker")

UNSAFE_TO_FORK: Final = ("torch", "jax", "tensorflow", "polars", "grpc")
"""Libraries whose threads and locks do not survive a fork."""


def unsafe_library() -> str:
    """Return which library that is loaded does not survive a fork, empty if there is none."""
    loaded = [name for name in UNSAFE_TO_FORK if name in sys.modules]
    return f"{loaded[0]} is loaded, which does not survive a fork" if loaded else ""


def why_not_fork() -> str:
    """Return why a fork might leave locks held in the child, empty if it won't."""
    library = unsafe_library()
    if library:
        return library
    if threading.active_count() > 1:
        others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        return f"the jugfile has started threads ({', '.join(others)})"
    return ""


# Starting workers


def run_one(job: Job, display: Display | None = None, drain: Drain | None = None) -> Summary:
    """Run the tasks by one worker, which is forked and then reads the jugfile."""
    job.load_store()
    job.warn_of_hidden_modules()
    gc.freeze()  # all is jug's own as yet, and Python need not look for it as it ends

    def start(connection: SupervisorConnection) -> int:
        return _fork(connection, lambda: _read_and_work(job, connection), is_own=True)

    return Supervisor(start, 1, job.open_store, display=display, drain=drain).run()


def run_several(
    job: Job,
    jugfile: Jugfile,
    jugspace: Jugspace,
    count: int,
    display: Display | None = None,
    drain: Drain | None = None,
) -> Summary:
    """Run the tasks by workers that are forked now that the jugfile is read."""

    warn_of_other_hashes(jugspace)
    known = _known_runs(job, jugspace.store, count)

    def start(connection: SupervisorConnection) -> int:
        connection.known_runs = next(known)

        def work() -> Summary:
            forget_exit_functions()
            jugspace.store.after_fork()
            return _work(jugspace, _reader(jugfile), job.read_settings(), connection)

        return _fork(connection, work)

    before = failed_before(jugspace.store)
    return Supervisor(start, count, job.open_store, before, display, drain).run()


def run_spawned(
    job: Job,
    jugspace: Jugspace,
    count: int,
    display: Display | None = None,
    drain: Drain | None = None,
) -> Summary:
    """Run the tasks by workers that are new Pythons and read the jugfile themselves."""
    known = _known_runs(job, jugspace.store, count)

    def start(connection: SupervisorConnection) -> int:
        connection.known_runs = next(known)
        return _spawn(connection, job)

    before = failed_before(jugspace.store)
    return Supervisor(start, count, job.open_store, before, display, drain).run()


def _known_runs(job: Job, store: BaseStore, count: int) -> Iterator[KnownRuns | None]:
    """Return for each worker what is remembered of runs, read once, if they must end some time.

    One that begins later, in place of a dead one, has to know of later runs: it gets None.
    """
    runs = None
    if job.read_settings().end is not None:
        from jug.execution.longest_runs import known_runs

        runs = known_runs(store)
    return chain(repeat(runs, count), repeat(None))


def run_forked(
    jugspace: Jugspace, settings: Settings, count: int, display: Display | None = None
) -> Summary:
    """Run tasks that this process has made by workers that are forked from it."""
    store = jugspace.store
    note_what_is_shared()

    def start(connection: SupervisorConnection) -> int:
        def work() -> Summary:
            forget_exit_functions()
            store.after_fork()
            return _work(jugspace, lambda at_barrier: jugspace, settings, connection)

        return _fork(connection, work)

    before = failed_before(store)
    return Supervisor(start, count, lambda: nullcontext(store), before, display).run()


def run_here(job: Job, drain: Drain) -> Summary:
    """Run the tasks in this very process, for a debugger."""
    jugfile, jugspace = job.begin(to_run=True)
    with jugspace.store:
        warn_of_other_hashes(jugspace)
        worker = Worker(jugspace, _reader(jugfile), job.read_settings())

        def begin_no_more() -> None:
            worker.stop = worker.stop or Ending.DRAINED

        with drain.calling(begin_no_more):
            return _run_to_the_end(worker)


def _reader(jugfile: Jugfile) -> Read:
    """Return what reads a jugfile again, and explains what it raises."""
    return lambda at_barrier: explained(jugfile, partial(jugfile.read_again, at_barrier))


# What runs in a worker


def _read_and_work(job: Job, connection: SupervisorConnection) -> Summary:
    jugfile, jugspace = job.begin(to_run=True)
    jugspace.store.poll()  # what fails from now on fails in this run
    if connection.is_first:
        warn_of_other_hashes(jugspace)
    return _work(jugspace, _reader(jugfile), job.read_settings(), connection)


def _work(
    jugspace: Jugspace,
    read: Read,
    settings: Settings,
    connection: SupervisorConnection,
) -> Summary:
    """Be one of a supervisor's workers, to the end."""
    worker = Worker(jugspace, read, settings, connection)
    handle_signals(lambda signum, frame: worker.interrupt())
    try:
        with jugspace.store:
            return _run_to_the_end(worker)
    except StoreError as error:
        if worker.stop is not Ending.INTERRUPTED:
            raise
        log.warning("what was in progress is not given back, its lease will run out: %s", error)
        worker.summary.ending = Ending.INTERRUPTED
        return worker.summary


def _run_to_the_end(worker: Worker) -> Summary:
    """Run the worker; the hooks for its end are called here, where the jugfile has set them."""
    summary = worker.run()
    jug_hook("execute.finished_pre_status")
    jug_hook("execute.finished_post_status")
    return summary


def _fork(
    connection: SupervisorConnection, work: Callable[[], Summary], *, is_own: bool = False
) -> int:
    """Start a worker, `is_own` if it will have made all that user code makes; return its pid."""
    before_fork()
    pid = os.fork()
    if pid == 0:
        os.setsid()  # see `process_group`
        leave_to_parent()
        gc.freeze()  # none of it ends here, and a look would copy its memory
        _be_worker(connection, work, is_own=is_own)
    return pid


def _be_worker(
    connection: SupervisorConnection, work: Callable[[], Summary], *, is_own: bool
) -> NoReturn:
    """Do a worker's work, and end the process."""
    status, last = 1, next(reversed(sys.modules))
    if is_own:
        code.begin()
    try:
        die_with(connection.supervisor)
        connection.output.enter()
        tell_directly()
        handle_signals(signal.default_int_handler)
        handle_draining(connection.slots.drain)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS + DRAINING + SUSPENDING)
        _report(connection, work)
        leave()
        status = 0
        if is_own:
            end_own(status, last)
    except Exception as error:  # it has said what it did
        log.error("a worker did not end as Python does: %s", describe_exception(error))
    finally:
        os._exit(status)


def _report(connection: SupervisorConnection, work: Callable[[], Summary]) -> None:
    try:
        connection.send_finished(work())
    except JugError as error:
        connection.send_error(error)
    except KeyboardInterrupt:
        connection.send_finished(Summary(Ending.INTERRUPTED))
    except BaseException as error:
        import traceback

        connection.send_error(
            JugError(
                f"a worker stopped: {describe_exception(error)}",
                traceback="".join(traceback.format_exception(error)),
            )
        )


# Workers that are started anew


def _spawn(connection: SupervisorConnection, job: Job) -> int:
    import subprocess  # which is slow to import

    descriptors = (connection.channel.fileno(), connection.slots.descriptor)
    pipes = connection.pipes
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"]
        + [str(descriptor) for descriptor in descriptors],
        stdin=subprocess.PIPE,
        pass_fds=[*descriptors, *(end for pipe in pipes for end in pipe.inherited)],
        start_new_session=True,
    )
    assert child.stdin is not None
    with child.stdin as pipe:
        known = (connection.slot, connection.retryable, connection.is_first, os.getpid(), pipes)
        pickle.dump((job, (*known, connection.known_runs), sys.path), pipe)
    child.returncode = 0  # the supervisor waits for it, not subprocess
    return child.pid


def main() -> None:
    """Be the worker that a supervisor has started as a new Python."""
    descriptor, slots = map(int, sys.argv[1:])
    job, known, sys.path[:] = pickle.load(sys.stdin.buffer)
    connection = SupervisorConnection(FileIO(descriptor, "w"), WorkerSlots(slots), *known)
    _be_worker(connection, lambda: _read_and_work(job, connection), is_own=True)
