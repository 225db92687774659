"""`jug demo`: a first jugfile to play with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

FOLDER: Final = Path("jug-demo")

JUGFILE: Final = '''\
"""Count the primes up to 100, one task for each number.

Shows how a call makes a task, and how tasks become arguments of other tasks.
"""

from time import sleep

from jug import TaskGenerator


@TaskGenerator
def is_prime(n):
    sleep(1.0)  # this runs too fast and is not a good demo
    for divisor in range(2, n - 1):
        if n % divisor == 0:
            return False
    return True


@TaskGenerator
def count_primes(flags):
    return sum(flags)


@TaskGenerator
def write_output(count):
    with open("output.txt", "w") as output:
        output.write(f"Found {count} primes <= 100.\\n")


primes100 = [is_prime(n) for n in range(2, 101)]
n_primes = count_primes(primes100)
write_output(n_primes)
'''

_IS_MADE: Final = f"""\
{FOLDER}/primes.py is a jugfile that counts the primes up to 100, with a task for each number.
"""

_IS_THERE: Final = f"""\
{FOLDER}/primes.py is there already, and stays as it is, with what was computed from it:
to begin anew, remove the folder {FOLDER}.
"""

_NEXT: Final = f"""
Look at it, then see what there is to do:

    cd {FOLDER}
    jug status primes.py

Run it.  Each number takes a second, so start as many workers as you like, here
or in other terminals, now or later; they share the work:

    jug execute primes.py &
    jug execute primes.py &
    jug status primes.py

or several from one command:

    jug execute -j 4 primes.py

At the end output.txt holds the answer.  Look at other results with

    jug shell primes.py
    value(primes100)[:10]

Change something, say what is to be computed again, and run it:

    jug invalidate --name count_primes primes.py
    jug execute primes.py
"""


@click.command(
    epilog="""\b
Example:
  jug demo && cd jug-demo && jug status primes.py

\b
Exit status: 0; 1 if the file can't be written or is there and was changed.""",
)
def command() -> None:
    """Make jug-demo/primes.py, a jugfile that counts primes, and say what to do with it."""
    path = FOLDER / "primes.py"
    try:
        FOLDER.mkdir(exist_ok=True)
        is_there = path.exists()
        if is_there and path.read_bytes() != JUGFILE.encode():
            raise click.ClickException(
                f"{str(path)!r} is there and is not the demo: rename it, or work in another folder"
            )
        if not is_there:
            path.write_bytes(JUGFILE.encode())
    except OSError as error:
        raise click.ClickException(
            f"{str(path)!r} can't be written ({error.strerror}): work in a folder that is yours"
        ) from None
    click.echo((_IS_THERE if is_there else _IS_MADE) + _NEXT, nl=False)
