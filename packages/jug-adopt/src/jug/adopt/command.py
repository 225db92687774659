"""`jug adopt`: results of jug 2.x, brought over without computing anything again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import always, as_json, jugfile_command
from jug.cli.progress import progress_option, shown_progress
from jug.options import Options, default_options

if TYPE_CHECKING:
    from jug.adopt.adopting import Choices
    from jug.adopt.stores import FormerStore
    from jug.execution.job import Job


@jugfile_command(
    epilog="""\b
Examples:
  jug adopt primes.py                      what jug 2.x left in primes.jugdata
  jug adopt --dry-run primes.py            only say what would be adopted
  jug adopt /archive/old.jugdata primes.py
  jug adopt redis://localhost primes.py
  jug adopt dict_store:old.pickle primes.py

\b
Exit status: 0 if all was adopted that OLD has; 1 if something of it was refused
or can't be read, if it has nothing of JUGFILE's, or if JUGFILE fails; 2 for wrong
usage.""",
    changes=always,
)
@click.argument("old", required=False)
@click.option(
    "--dry-run", is_flag=True, help="Say what would be adopted; unpickle nothing, write nothing."
)
@click.option(
    "--accept-ambiguous", is_flag=True,
    help="Adopt also where jug 2.x could not tell two tasks apart.",
)  # fmt: skip
@click.option(
    "--from-version", metavar="VERSION",
    help="Which jug wrote OLD, 2.0 to 2.7; it is found by itself.",
)  # fmt: skip
@as_json
@progress_option
@click.pass_context
def command(
    context: click.Context, options: Options, old: str | None,
    dry_run: bool, accept_ambiguous: bool, from_version: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Bring the results of jug 2.x into the jugdir of JUGFILE, without computing anything again.

    OLD is a directory of jug 2.x, a redis:// URL, or dict_store:FILE; it is only read.
    Without OLD, the jugdir that jug 2.x made for JUGFILE is renamed, from NAME.jugdata
    to NAME.jugdata.2x, and adopted; to go back, rename it back. Another jugdir than
    NAME.jugdata is named by --jugdir, as it always was.

    For each task the hash is computed that jug 2.x gave it, and where OLD has that
    result it is saved in the new jugdir.  A command that was interrupted goes on when
    it is started again.  Results are pickles, which run code as they are read: adopt
    only what you trust.
    """
    from jug.adopt import moving, report
    from jug.adopt.adopting import Choices
    from jug.adopt.reading import adopt
    from jug.cli.reading import job_of, traceless

    if old is not None and _is_jugfile(old):
        options, old = _with_jugfile(options, old), None
    choices = Choices(accept_ambiguous, dry_run, from_version)
    job = job_of(options)
    with (
        traceless(job.jugfile),
        _old_store(old, job, choices) as former,
        shown_progress(options.progress) as display,
        redirect_stdout(sys.stderr) if as_json else nullcontext(),
    ):
        outcome = adopt(job, former, choices, display)
    if old is None and not dry_run and moving.put_back(job.jugdir):
        outcome.old = job.jugdir
    report.show(outcome, as_json=as_json, short=options.short, is_trial=dry_run)
    context.exit(DONE if outcome.is_good else FAILED)


command.short_help = "Bring the results of jug 2.x over."


def _is_jugfile(word: str) -> bool:
    """Return whether the first word is no old store, but the jugfile already."""
    from pathlib import Path  # only here, as `jug --help` reads this module

    from jug.adopt.stores import is_of_jug_2

    path = Path(word)
    if path.suffix == ".py" and not path.exists():
        return True
    is_one = path.is_file() or path.with_name(f"{path.name}.py").is_file()
    return is_one and not is_of_jug_2(path)


def _with_jugfile(options: Options, word: str) -> Options:
    """Return the options with a word before the words that the jugfile and its arguments are."""
    given = options.given()
    behind = [given["jugfile"]] if "jugfile" in given else []
    words = {"jugfile": word, "arguments": [*behind, *given["arguments"]]}
    return Options(given | words, default_options)


@contextmanager
def _old_store(old: str | None, job: Job, choices: Choices) -> Iterator[FormerStore]:
    """Open the old store, and the new one as the one in use; without OLD make room for it."""
    from jug.adopt import moving
    from jug.adopt.stores import open_former
    from jug.adopt.versions import dialects
    from jug.backends.registry import open_store
    from jug.errors import OptionError
    from jug.session import use_store

    dialects(choices.version)  # a bad one is an error before anything is renamed
    if old is not None and moving.is_same(old, job.jugdir):
        raise OptionError(
            f"{old!r} is the jugdir of {job.jugfile!r} itself: `jug adopt --jugdir {job.jugdir} "
            f"{job.jugfile}` makes room for another one, or name one by --jugdir"
        )
    if old is not None and moving.is_inside(job.jugdir, old):
        raise OptionError(
            f"the jugdir {job.jugdir!r} is inside of {old!r}, which is only read: name another "
            "one by --jugdir"
        )
    own = moving.find_own(job.jugdir) if old is None else moving.Own(old)
    if own.stands_in_the_way and not choices.is_trial:
        own = moving.move_aside(job.jugdir)
    former = open_former(own.url)
    try:
        use_store(open_store("dict_store") if own.stands_in_the_way else job.open_store())
        yield former
    finally:
        former.close()
