"""Executing a jugfile: one worker or many, started and looked after by one command.

execute       what the command `jug execute` calls
job           the jugfile, and how to run it
settings      how a worker behaves
end_time      when a command must end; the queue is asked for its `batch_job`
room          what is free of the machine, by its `capacity` and the `shares` of all workers: tasks
              are `ready_by_needs`, and what never fits is `too_large`
budget        which tasks fit into the time until then, by the `longest_runs` of their names
processes     how workers begin and end: by `leaving`, with their `open_files` flushed, by
              `signals`, `draining` or `parent_death`; what their tasks start is in a
              `process_group`
supervisor    who looks after each `worker_process`, over a `connection`, `slots` and a `tally`;
              what it has to do in the store are `errands`; `overdue` ends what takes too long,
              by the `death_toll` it sees what workers die of, which these see in `deaths`, and
              what they left are `ended_runs`
outputs       what workers print, on its way through their supervisor: by an `output_pipe` and
              `last_output`, which have it for the record of a task (`task_output`)
reading_on    reading the jugfile further as barriers open
worker        the loop of one worker: what to do is its `agenda`, of a `plan` with `ready_tasks`
              and `memory`; `taking` one of them or several `short_tasks` needs the store, and
              `waiting` for others depends on its `prospects`, which are in `reach` of some worker
one_task      running one task, within its `time_limit`; `task_hooks` are called around it, and
              a `code_keeper` has its code kept
failures      what failed before or elsewhere
random_numbers  seeding a worker's random numbers anew, as `live_objects` finds them
reporting     what a worker says while it works, by a `census` of its plan; `watching` shows it
stale_results  noticing that results came from older code
other_hashes  noticing that what is run was run before under other hashes; `readings` finds out why
summary       what was done, and why it ended
run           `jug.run`: the same for tasks of a script or a notebook
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jug.collector import importing
from jug.errors import OptionError
from jug.execution.job import Job
from jug.execution.settings import Settings, check_workers
from jug.execution.summary import Ending, Failure, Summary
from jug.messages import Log
from jug.progress import Display

if TYPE_CHECKING:
    from jug.execution.draining import Drain

__all__ = ["Ending", "Failure", "Job", "Settings", "Summary", "execute"]

log = Log("execution")


def execute(
    job: Job,
    jobs: int = 1,
    in_process: bool = False,
    display: Display | None = None,
    drain: Drain | None = None,
) -> Summary:
    """Run the jugfile's tasks by that many workers; return what was done and why it ended.

    With `in_process` one worker runs in this very process, for a debugger, and shows nothing
    meanwhile.  Otherwise `display` shows how far the tasks are.  Signals to `drain` are heeded
    meanwhile, and those that have come before.
    """
    with importing():  # only who executes needs workers
        from jug.execution.draining import Drain
        from jug.execution.processes import run_here, run_one

    check_workers(jobs)
    with (drain or Drain()).heeded() as drain:
        if in_process or not hasattr(os, "fork"):
            if jobs > 1:
                raise OptionError(
                    "several workers need one process each: start `jug execute` several times"
                )
            return run_here(job, drain)
        if jobs == 1:
            return run_one(job, display, drain)
        return _execute_by_several(job, jobs, display, drain)


def _execute_by_several(job: Job, jobs: int, display: Display | None, drain: Drain) -> Summary:
    from jug.execution.processes import run_several, run_spawned, why_not_fork
    from jug.execution.random_numbers import warn_of_seeds

    job.warn_of_hidden_modules()
    jugfile, jugspace = job.begin(to_run=True)
    with jugspace.store as store:
        if not store.shared:
            raise OptionError(
                f"several workers can't share {store.url!r}: "
                "run one, or choose a directory or a server as the jugdir"
            )
        reason = why_not_fork()
        if reason:
            log.warning("each worker reads the jugfile itself: %s", reason)
            warn_of_seeds()
            return run_spawned(job, jugspace, jobs, display, drain)
        return run_several(job, jugfile, jugspace, jobs, display, drain)
