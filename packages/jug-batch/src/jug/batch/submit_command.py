"""`jug submit`: ask a batch system for jobs with workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import jugfile_command
from jug.cli.reading import job_of, reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.cli.unknown_options import JugfileCommand
from jug.errors import OptionError
from jug.moments import span
from jug.options import Options

if TYPE_CHECKING:
    from jug.batch.submission import Submission, Wish

    _Planned = AbstractContextManager[tuple[Submission, bool]]

_RAW: Final = "jug.batch.raw"
_HAS_DASHES: Final = "jug.batch.has_dashes"


class _SubmitCommand(JugfileCommand):
    """A command in which all behind ``--`` is for the batch system."""

    belongs: ClassVar[str] = f"{JugfileCommand.belongs}, for the batch system behind --"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what stands behind ``--``."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_RAW], ctx.meta[_HAS_DASHES] = tuple(args[at + 1 :]), "--" in args
        return super().parse_args(ctx, args[:at])

    def doubt(self, context: click.Context, meant: str) -> str:
        """Return where the option goes, unless ``--`` shows that the user knows it."""
        if context.meta[_HAS_DASHES] and not meant:
            return ""
        return "it goes to the jugfile; what is for the batch system stands behind --"


@jugfile_command(
    cls=_SubmitCommand,
    epilog="""\b
Examples:
  jug submit --workers 20 --time 4:00:00 primes.py
  jug submit --workers 80 -j 4 --time 4h --mem 8G --setup 'module load gcc' primes.py
  jug submit --workers 20 --time 1h primes.py -- --qos=long
  jug submit --workers 20 --time 1h --dry-run primes.py    show what would be submitted
  jug submit --workers 20 --time 1h --watch primes.py      ask again until all is done
  jug submit --print-template > mine.sh

\b
Exit status: 0 if all was submitted that was wanted, or nothing had to be; with
--watch, if all tasks are done; 1 if the batch system refused, or nothing more can
be done; 2 for wrong usage, also if a task would not fit into the time.""",
)
@click.option(
    "--workers", "submit_workers", type=int, metavar="N",
    help="How many workers there may be at most in all jobs, for each kind of needs and tags.",
)  # fmt: skip
@click.option(
    "-j", "--jobs", "submit_jobs", type=int, metavar="N",
    help="How many workers each job has, a core for each.  [1]",
)  # fmt: skip
@click.option(
    "--time", "submit_time", metavar="TIME",
    help="How long each job may take, such as 90min or 4:00:00.",
)  # fmt: skip
@click.option(
    "--mem", "submit_mem", metavar="SIZE",
    help="The memory of each job at least, such as 8GB or 8GiB.",
)  # fmt: skip
@click.option("--gpus", "submit_gpus", type=int, metavar="N", help="The GPUs of each job at least.")
@click.option(
    "--to", "submit_to", metavar="SYSTEM",
    help="slurm, sge, pbs, lsf, htcondor, kubernetes or print.  [the one whose programs are here]",
)  # fmt: skip
@click.option("--account", "submit_account", metavar="NAME", help="The account that pays.")
@click.option("--partition", "submit_partition", metavar="NAME", help="The partition or queue.")
@click.option(
    "--setup", "submit_setup", metavar="LINE", multiple=True,
    help="A line of shell that comes before jug, such as 'module load gcc'; may be repeated.",
)  # fmt: skip
@click.option(
    "--template", "submit_template", metavar="FILE", help="Your own script, with fields."
)  # fmt: skip
@click.option("--print-template", is_flag=True, help="Print the template that is used.")
@click.option("--image", "submit_image", metavar="IMAGE", help="The image of a pod.")
@click.option(
    "--secret", "submit_secret", metavar="NAME",
    help="The secret of Kubernetes whose key url has the URL of the store.  [jug]",
)  # fmt: skip
@click.option(
    "--keep-going", is_flag=True, help="Go on after failures, as `jug execute` does so called."
)  # fmt: skip
@selecting
@click.option("--dry-run", is_flag=True, help="Show the script, and submit nothing.")
@click.option("--watch", is_flag=True, help="Ask again and again, until all tasks are done.")
@click.option(
    "--every", metavar="TIME", default="1 min", help="How often, with --watch.  [1 min]"
)  # fmt: skip
@click.pass_context
def command(
    context: click.Context, options: Options, chosen: Chosen,
    print_template: bool, keep_going: bool, dry_run: bool, watch: bool, every: str,
) -> None:  # fmt: skip
    """Ask a batch system for jobs whose workers run the tasks of JUGFILE that are left.

    It counts the tasks that are left and the jobs that wait or run for them, and asks
    for the difference, as one array for each kind of needs and tags: called again, it adds
    what is missing.  Nothing is kept about jobs; they are found by their name.  Scripts and
    logs are in a folder beside the jugdir, whose name ends with .jobs.

    What stands behind -- is for the batch system, as its own program takes it.
    """
    from jug.batch.asking import system_of, template_of, wish_of

    if print_template:
        click.echo(template_of(options) or system_of(options).template, nl=False)
        return
    wish = wish_of(options, context.meta[_RAW])
    ask = partial(_planned, options, chosen, wish, _choice(context, keep_going))
    if watch and (dry_run or not wish.system.can_submit()):
        raise OptionError("--watch submits: leave out --dry-run, and name a batch system by --to")
    if watch:
        context.exit(_watch(ask, _span(every)))
    with ask() as (submission, _):
        _submit(submission, is_trial=dry_run)


command.short_help = "Ask a batch system for jobs with workers."


def _span(text: str) -> float:
    try:
        return span(text)
    except ValueError as error:
        raise OptionError(f"--every {error}, not {text!r}") from None


def _choice(context: click.Context, keep_going: bool) -> tuple[str, ...]:
    """Return the options that the workers are to be given, too."""
    given, words = context.params, list[str]()
    for option in ("name", "pattern", "tag", "without_tag"):
        words += [f"--{option.replace('_', '-')}={value}" for value in given[option]]
    for flag in ("failed", "downstream", "allow_none"):
        words += [f"--{flag.replace('_', '-')}"] * bool(given[flag])
    return (*words, *["--keep-going"] * keep_going)


@contextmanager
def _planned(
    options: Options, chosen: Chosen, wish: Wish, choice: tuple[str, ...]
) -> Iterator[tuple[Submission, bool]]:
    """Read the jugfile, and yield what is to be submitted, and whether all is done."""
    from jug.batch.left import look, require_time
    from jug.batch.purpose import Purpose
    from jug.batch.submission import plan
    from jug.task.graph import Graph

    with reading(options, is_patient=True) as jugspace:
        graph = Graph(jugspace.tasks)
        left = look(graph, chosen.numbers(graph, jugspace), jugspace.store)
        require_time(left, wish.terms.seconds, jugspace.store, options.execute_margin)
        purpose = Purpose(job_of(options), jugspace.store, choice)
        warn_of_barrier(jugspace)
        yield plan(wish, purpose, left), not left.tasks and not jugspace.barrier_tasks


def _watch(ask: Callable[[], _Planned], pause: float) -> int:
    """Ask again and again, and return the exit status once that is of no use any more."""
    from jug.batch.watching import Watch

    watched = Watch()
    while True:
        with ask() as (submission, is_complete):
            if is_complete:
                click.echo("All tasks are done.")
                return DONE
            why = watched.why_not_again(submission)
            if why:
                click.echo(f"jug: {why}", err=True)
                return FAILED
            if watched.may_ask(submission):
                _submit(submission)
        time.sleep(pause)


def _submit(submission: Submission, is_trial: bool = False) -> None:
    """Submit what is to be added, or print it, and say so."""
    from jug.batch.purpose import far_from

    wish = submission.wish
    is_printed = is_trial or not wish.system.can_submit()
    click.echo(f"{submission.state()}.", err=is_printed)
    if submission.trouble:
        click.echo(f"jug: not known what is in the queue: {submission.trouble}", err=True)
    if not submission.jobs:
        click.echo("Nothing to submit.", err=is_printed)
        return
    if wish.system.sees_files:
        for why in far_from(submission.purpose):
            click.echo(f"jug: other machines may not see the results: {why}", err=True)
    for line in submission.asked():
        click.echo(
            f"{'Would ask' if is_printed else 'Asks'} {wish.system.title} for {line}",
            err=is_printed,
        )
    if not wish.system.can_submit() and wish.system.sees_files:
        _tell_of_variables(submission)
    if is_printed:
        scripts = [script for _, script in submission.scripts()]
        click.echo(wish.system.between.join(scripts), nl=False)
        return
    ids = " ".join(filter(None, submission.submit()))
    click.echo(f"Submitted: {ids or 'the batch system said no id'}")


def _tell_of_variables(submission: Submission) -> None:
    """Say what the jobs of a script must find in their environment that the user submits."""
    variables = sorted(submission.purpose.variables())
    if variables:
        told = f"the script leaves {', '.join(variables)} to the environment of its jobs"
        click.echo(f"jug: {told}: set that there", err=True)
