"""Run a program over many files, and gather what it wrote.

The program here is `awk`, which is on every Linux and macOS; think of an aligner or a
solver.  Three habits make this hold:

- A file is an argument as `timed_path(path)`: where it has changed, its tasks run again.
- The program writes beside its target and the result is renamed when it is whole, so
  that a worker that dies leaves no half file for the next.
- `check=True`: where the program fails, the task fails, with what the program said.

    jug execute -j 4 external_program.py     the table is in words.txt

The texts are made here, in `texts/`, if they are not there.
"""

import os
import random
import subprocess
from contextlib import suppress
from pathlib import Path

from jug import TaskGenerator
from jug.utils import timed_path

WORDS = "task worker store result barrier lease record graph value hash".split()
COUNT = "{ for (i = 1; i <= NF; i++) count[$i]++ } END { for (w in count) print w, count[w] }"


def make_texts(how_many=20):
    """Write the texts that are not there yet."""
    folder = Path("texts")
    folder.mkdir(exist_ok=True)
    for number in range(how_many):
        path = folder / f"{number:03}.txt"
        if not path.exists():
            chance = random.Random(number)
            lines = (" ".join(chance.choices(WORDS, k=8)) for _ in range(500))
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_text("\n".join(lines) + "\n")
            with suppress(FileExistsError):  # another worker made it just now
                path.hardlink_to(aside)
            aside.unlink()
    return sorted(folder.glob("*.txt"))


@TaskGenerator
def count_words(text):
    """Have the words of a text counted; return the path of the file with the counts."""
    target = Path(text).with_suffix(".counts")
    aside = target.with_suffix(f".{os.getpid()}.part")
    with open(aside, "w") as output:
        subprocess.run(["awk", COUNT, text], stdout=output, stderr=subprocess.PIPE, check=True)
    aside.rename(target)
    return str(target)


@TaskGenerator
def gather(paths):
    """Add up the files of counts, and write the table."""
    totals = {}
    for path in paths:
        for line in Path(path).read_text().splitlines():
            word, count = line.split()
            totals[word] = totals.get(word, 0) + int(count)
    with open("words.txt", "w") as output:
        for word, count in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
            print(f"{count:8} {word}", file=output)
    return totals


totals = gather([count_words(timed_path(str(path))) for path in make_texts()])
