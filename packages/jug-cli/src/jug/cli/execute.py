"""`jug execute`: run the tasks."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from jug.cli import DONE
from jug.cli.ending import note_all_is_own
from jug.cli.jobs import jobs_option, workers_of
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.progress import progress_option, shown_progress
from jug.cli.reading import job_of, reading, traceless, warn_of_barrier
from jug.cli.selecting import Chosen, selection_options, tell_no_match
from jug.cli.strict import refusal, strict_option
from jug.collector import importing
from jug.descriptors import is_stream_ready
from jug.errors import OptionError
from jug.messages import Log, set_level
from jug.options import Options, configure, default_options
from jug.tables import table
from jug.wording import counted, escaped

if TYPE_CHECKING:
    from jug.execution.draining import Drain
    from jug.execution.end_time import EndTime
    from jug.execution.settings import Settings
    from jug.execution.summary import Summary
    from jug.selection import Selection

STOP_FILE: Final = "__jug_please_stop_running.txt"

TOO_LATE: Final = {"execute_jobs": "-j", "pdb": "--pdb", "progress": "--progress"}
"""Options that a jugfile can't set for its own run, and how they are given instead."""

_CHOOSING: Final = ("name", "pattern", "failed", "downstream", "tag", "without_tag")
"""The options that say which tasks to run, without what they have before them."""

_FAILURES: Final = 20  # that are listed at the end

log = Log("worker")


@jugfile_command(
    epilog="""\b
Examples:
  jug execute primes.py
  jug execute -j 4 primes.py
  jug execute --keep-going --jugdir /scratch/run1 primes.py 100
  jug execute --name count_primes primes.py
  jug execute --name count_primes --no-wait primes.py
  jug execute --name 'is_prime(7)' --downstream primes.py
  jug execute --failed primes.py    run what failed before, and nothing else
  jug execute --dry-run -j 4 primes.py
  jug execute --strict-code primes.py
  jug execute --progress=plain primes.py 2> progress.txt
  jug execute -j 0 --for 3h50m primes.py
  jug execute -j 16 --cpus 16 --memory 64GB --gpus 2 train.py

\b
Exit status:
  0    all selected tasks are done, or a limit that you set was reached, or
       nothing that is left fits into the time that is left
  1    something failed, or results are stale and --strict-code was given
  2    wrong usage, or no task has the name or the tag or fits the pattern
  3    work is left that has not failed: others hold tasks or are to run some
       and the waiting time is over, or nothing that is left can be run, or it
       needs more than there is of this machine
  130  interrupted""",
)
@jobs_option
@selection_options("execute_")
@click.option(
    "--cpus", "execute_cpus", metavar="N",
    help="How many CPUs the workers together may use, where tasks say how many they need.  "
    "[all that this process may use]",
)  # fmt: skip
@click.option(
    "--memory", "execute_memory", metavar="SIZE",
    help="How much memory they may use, such as 64GB.  "
    "[all that this process may use, where a task says how much it needs]",
)  # fmt: skip
@click.option(
    "--gpus", "execute_gpus", metavar="N",
    help="How many GPUs they may use.  [those of CUDA_VISIBLE_DEVICES, or all]",
)  # fmt: skip
@click.option(
    "--keep-going", "execute_keep_going", is_flag=True,
    help="After a failure, run all that does not depend on it.",
)  # fmt: skip
@click.option(
    "--keep-failed", "execute_keep_failed", is_flag=True,
    help="Do not try again what failed before `jug cleanup --failed-only`.",
)  # fmt: skip
@strict_option
@click.option(
    "--capture/--no-capture", "capture", default=None,
    help="Keep the output of each task in its record.  [with -j on a terminal]",
)  # fmt: skip
@click.option(
    "--wait-cycle-time", "execute_wait_cycle_time_secs", type=float, metavar="SECONDS",
    help="Wait for others this long, times --nr-wait-cycles. [12]",
)  # fmt: skip
@click.option(
    "--nr-wait-cycles", "execute_nr_wait_cycles", type=int, metavar="N",
    help="See --wait-cycle-time. [150]",
)  # fmt: skip
@click.option(
    "--no-wait", "execute_no_wait", is_flag=True,
    help="Leave where others hold, or are to run, all that can be done next.",
)  # fmt: skip
@click.option(
    "--until", "execute_until", metavar="MOMENT",
    help="End by then, such as 17:30: begin no task that will not be done.  "
    "[JUG_END_TIME, or the end of the Slurm job]",
)  # fmt: skip
@click.option(
    "--for", "execute_for", metavar="TIME",
    help="End within this time, such as 3h50m or 3:50:00.",
)  # fmt: skip
@click.option(
    "--margin", "execute_margin", metavar="TIME",
    help="How long before the end the last task must be saved.  "
    "[a twentieth of the time, at most 30s]",
)  # fmt: skip
@progress_option
@click.option(
    "--no-check-environment", "execute_no_check_environment", is_flag=True,
    help=f"Ignore JUG_MAX_TASKS and the like, and {STOP_FILE}.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be run and why, and run nothing.")
@as_json
@click.pass_context
def command(
    context: click.Context, options: Options, allow_none: bool, dry_run: bool, as_json: bool
) -> None:
    """Run the tasks of JUGFILE that are not done yet, each once, whoever else works on them.

    Any number of workers may run at the same time, on this machine or on others
    that see the same store.  They share the work and may come and go.

    Of tasks that are chosen those are run that can be: what they need is not chosen with them,
    but waited for until somebody has run it.
    """
    with importing():
        from jug.execution.draining import Drain, ignore_draining_at_exit

    if options.pdb and options.execute_jobs != 1:
        raise OptionError("--pdb debugs one worker: leave out -j")
    if as_json and not dry_run:
        raise OptionError("--json prints what would be run: give --dry-run, too")
    if dry_run:
        _look_ahead(options, allow_none, as_json)
        return
    chosen = selected(options)  # here, so that a bad choice is not complained of by each worker
    begun_with = {name: getattr(options, name) for name in TOO_LATE}
    with Drain().heeded() as drain:  # from before the queue is asked until all is told
        summary = _run(options, begun_with, drain)
        ignore_draining_at_exit()
        if hasattr(os, "fork") and not options.pdb and workers_of(options) == 1:
            note_all_is_own()  # that one worker has read the jugfile in a process of its own
        if not summary.unmatched or summary.executed:
            _print_summary(summary, summary.short or options.short)
        if summary.unmatched:
            tell_no_match(summary.unmatched, allow_none)
            context.exit(DONE)
        is_empty = not (summary.ending.status or summary.left or summary.executed | summary.loaded)
        if is_empty and chosen is None:
            click.echo("The jugfile makes no tasks.", err=True)
        context.exit(summary.ending.status)


def _run(options: Options, begun_with: dict[str, Any], drain: Drain) -> Summary:
    with importing():
        from jug.execution import execute

    end = _end_of_job(options)
    job = job_of(options, RunSettings(options.given(), default_options.every(), begun_with, end))
    with traceless(job.jugfile), shown_progress(options.progress) as display:
        return execute(job, workers_of(options), options.pdb, display, drain)


def _end_of_job(options: Options) -> float | None:
    """Return when this command's batch job must end, unless somebody has said something else."""
    from jug.execution.end_time import end_of_job

    said = options.execute_until is not None or options.execute_for is not None
    return None if said else end_of_job(time.time())


def selected(options: Options) -> Selection | None:
    """Return which tasks the options mean, None for all."""
    given = {name: getattr(options, f"execute_{name}") for name in _CHOOSING}
    if all(one in (None, False, ()) for one in given.values()):
        return None
    from jug.selection import selection  # which is slow to import

    return selection(**given)


def _look_ahead(options: Options, allow_none: bool, as_json: bool) -> None:
    """Print what would be run, and why."""
    from jug.cli.outlook import print_outlook
    from jug.code import find_stale
    from jug.code.wording import told_of_stale
    from jug.views.why import outlook

    with reading(options) as jugspace:
        chosen = Chosen(selected(options), allow_none)  # which the jugfile may have set
        seen = outlook(jugspace, chosen.selection)
        needed = seen.graph.with_dependencies(chosen.numbers(seen.graph, jugspace))
        tasks = [seen.graph.tasks[number] for number in sorted(needed)]
        comparison = find_stale(tasks, jugspace.store)
        print_outlook(
            seen, workers_of(options), as_json=as_json, short=options.short, comparison=comparison
        )
        if options.strict_code and comparison.has_stale:
            click.echo(f"Without --dry-run: {refusal(told_of_stale(comparison))}", err=True)
        warn_of_barrier(jugspace)


class RunSettings:
    """The settings of a worker; called once the jugfile was read, in the worker or before it.

    The jugfile may have set options, which are stronger than `weaker` and weaker
    than those `given` on the command line.
    """

    def __init__(
        self,
        given: dict[str, Any],
        weaker: dict[str, Any],
        begun_with: dict[str, Any],
        end_of_job: float | None,
    ) -> None:
        self.given = given
        self.weaker = weaker
        self.begun_with = begun_with
        """What the command began with, of options that a jugfile sets too late."""
        self.end_of_job = end_of_job
        """When the command's batch job must end, in seconds since the epoch."""
        self.began = time.time()
        """When the command began."""
        self.process = os.getpid()
        """The process of the command, which need not be the worker's."""
        self.folder = os.getcwd()
        """Where the command began, which need not be where the jugfile has left the worker."""

    def __call__(self) -> Settings:
        """Return the settings, and in a worker see to it that the environment can end it."""
        from jug.execution.capacity import Capacity
        from jug.execution.settings import Settings

        configure(self.weaker)
        options = Options(self.given, default_options)
        is_debugged = self.begun_with["pdb"]
        if os.getpid() != self.process or is_debugged:
            self._begin_worker(options)
        return Settings(
            keep_going=options.execute_keep_going,
            keep_failed=options.execute_keep_failed,
            aggressive_unload=options.aggressive_unload,
            debug=options.debug or is_debugged,
            patience=_patience(options),
            select=selected(options),
            strict_code=options.strict_code,
            capture=_captures(options),
            end=self._end(options),
            capacity=Capacity.given(
                options.execute_cpus, options.execute_memory, options.execute_gpus
            ),
            short=options.short,
            on_failure=_debug if is_debugged else None,
        )

    def _begin_worker(self, options: Options) -> None:
        set_level(options.verbose)
        _warn_of_late(options, self.begun_with)
        if not options.execute_no_check_environment:
            _check_environment(self.folder)

    def _end(self, options: Options) -> EndTime | None:
        from jug.execution.end_time import end_time

        until, lasting = options.execute_until, options.execute_for
        return end_time(self.began, until, lasting, self.end_of_job, options.execute_margin)


def _patience(options: Options) -> float:
    """Return for how many seconds without any change to wait for others."""
    if options.execute_no_wait:
        return 0.0
    return float(options.execute_wait_cycle_time_secs * options.execute_nr_wait_cycles)


def _captures(options: Options) -> bool:
    """Return whether each task's output is kept: unless told, where it may be lost among others."""
    if options.capture is not None:
        return bool(options.capture)
    return options.execute_jobs != 1 and os.isatty(1)


def _warn_of_late(options: Options, begun_with: dict[str, Any]) -> None:
    """Warn of options that the jugfile has set too late."""
    for name, option in TOO_LATE.items():
        if getattr(options, name) != begun_with[name]:
            log.warning(
                "the jugfile sets %s too late, as workers start before it is read: "
                "give %s on the command line, or set it in a configuration file",
                name,
                option,
            )


def _check_environment(folder: str) -> None:
    from jug.hooks.exit_checks import exit_env_vars, exit_if_file_exists
    from jug.jugfile import standing_in

    with standing_in(folder):
        exit_env_vars()
        exit_if_file_exists(STOP_FILE)


def _debug(task: Any, error: BaseException) -> None:
    import pdb

    from jug.tracebacks import describe_exception

    click.echo(f"{task.name} failed: {describe_exception(error)}", err=True)
    pdb.post_mortem(error.__traceback__)


def _print_summary(summary: Summary, short: bool) -> None:
    executed, loaded = summary.executed, summary.loaded
    echo = _echo_if_read if summary.ending.name == "INTERRUPTED" else click.echo
    if short:
        echo(f"{counted(executed.total(), 'task')} executed, {loaded.total()} loaded")
    else:
        echo(table(["Executed", "Loaded"], summary.rows()))
    for failure in summary.failures[:_FAILURES]:
        echo(f"jug: {failure.call} failed: {escaped(failure.exception)}", err=True)
    if len(summary.failures) > _FAILURES:
        more = len(summary.failures) - _FAILURES
        echo(f"jug: … and {more} more, which `jug failures` groups", err=True)
    for failure in summary.failures_elsewhere:
        why = f": {escaped(failure.exception)}" if failure.exception else ""
        echo(f"jug: {failure.call} failed, but not in this run{why}", err=True)
    for told in (*summary.too_long, *summary.too_large):
        echo(f"jug: {told}", err=True)
    status = summary.ending.status
    if (status or summary.left) and not summary.unmatched:
        echo(f"jug: {_reason(summary)} (exit status {status})", err=True)


def _echo_if_read(text: str, err: bool = False) -> None:
    """Print lines, but none that would wait for whoever reads them: the run is to stop."""
    for line in text.splitlines():
        if is_stream_ready(sys.stderr if err else sys.stdout):
            click.echo(line, err=err)


def _reason(summary: Summary) -> str:
    if summary.ending.name == "STALE":
        return refusal(summary.stale)
    parts = [summary.ending.value]
    if summary.ending.name == "FAILED" and len(summary.failures) > 1:
        parts = [f"{len(summary.failures)} tasks failed"]
    if summary.left:
        parts.append(
            f"{counted(summary.left, 'task')} {'is' if summary.left == 1 else 'are'} not done"
        )
    if summary.blocked:
        wait = "waits" if summary.blocked == 1 else "wait"
        parts.append(f"{summary.blocked} {wait} for one that failed")
    if summary.at_barrier:
        parts.append("the jugfile stops at a barrier, beyond which there may be more tasks")
    return "; ".join(parts)
