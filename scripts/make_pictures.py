"""Make the pictures of docs/pictures: of `jug execute` in a terminal, of a page, of the tutorial.

The first are of one real run, of the jugfile below by four workers; only the name of the host is
made up.  Chromium draws the page.  Those of the tutorial are what its own files and commands make.
`python scripts/make_pictures.py cells` makes these alone.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte
from browser import Page, browser
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
TUTORIAL = ROOT / "docs" / "cells.md"
LARGEST = 150_000
"""Bytes that a picture may take."""

JUGFILE = """
import random
import time

from jug import TaskGenerator


def work(mean, seed):
    time.sleep(mean * random.Random(seed).lognormvariate(0, 0.4))


@TaskGenerator
def load(number):
    print(f"reading images/{number:03}.tif")
    work(0.15, number)
    return number


@TaskGenerator
def smooth(image):
    work(0.4, image)
    if image % 29 == 17:
        raise ValueError(f"image {image} has 4 channels, 3 are needed")
    return image


@TaskGenerator
def segment(image, threshold):
    work(0.7, image * threshold)
    return {"image": image, "cells": 40 + image % 7}


@TaskGenerator
def compare(first, second):
    work(0.1, first["image"])
    return first["cells"] / second["cells"]


@TaskGenerator
def summary(ratios):
    work(0.5, 1)
    return sum(ratios) / len(ratios)


images = [load(number) for number in range(48)]
smoothed = [smooth(image) for image in images]
low = [segment(image, 0.3) for image in images]
high = [segment(image, 0.5) for image in smoothed]
ratios = [compare(*pair) for pair in zip(low, high)]
summary(ratios[:15])
total = summary(ratios)
"""

HOST = """
import os
here = os.uname()
os.uname = lambda: type(here)((here.sysname, "node1", here.release, here.version, here.machine))
"""

COLUMNS, LINES = 88, 16


SHOW_IMAGES = """
import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

_, places = plt.subplots(1, 4, figsize=(8, 2), layout="constrained")
for number, place in enumerate(places):
    place.imshow(np.load(f"images/{number:03}.npy"), cmap="gray")
    place.axis("off")
plt.savefig("images.png", dpi=80)
"""


def main() -> int:
    """Make the pictures; return 1 if one is too large."""
    PICTURES.mkdir(exist_ok=True)
    draw_tutorial()
    if sys.argv[1:] != ["cells"]:
        draw_run()
    large = [path for path in PICTURES.iterdir() if path.stat().st_size > LARGEST]
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")
    return bool(large)


# The tutorial


_FILE = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)


def draw_tutorial() -> None:
    """Make the images of the tutorial, and run its jugfile, which draws what came out."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        for name, text in _FILE.findall(TUTORIAL.read_text()):
            (place / name).write_text(text)
        (place / "show_images.py").write_text(SHOW_IMAGES)
        for script in ("make_images.py", "show_images.py"):
            subprocess.run([sys.executable, script], cwd=place, check=True)
        run_jug(place, "execute", "-j", "0", "cells.py")
        shutil.copy(place / "images.png", PICTURES / "cells-images.png")
        shutil.copy(place / "kinds.png", PICTURES / "cells-kinds.png")


# A run


def draw_run() -> None:
    """Run the jugfile above, and draw it as a terminal and a page show it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("install Chromium first: the program `chromium` is not there")
    with TemporaryDirectory() as folder:
        place = Path(folder, "cells")
        place.mkdir()
        (place / "cells.py").write_text(JUGFILE)
        (place / "sitecustomize.py").write_text(HOST)
        draw_terminal(place, PICTURES / "execute.svg")
        run_jug(place, "report", "-o", "report.html", "cells.py")
        page = place / "report.html"
        page.write_text(page.read_text().replace(str(place), "/data/cells"))
        draw_page(chromium, page)


def environment(place: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(place), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


def run_jug(place: Path, *words: str) -> None:
    words = (sys.executable, "-m", "jug", *words)
    subprocess.run(words, cwd=place, env=environment(place), check=True, stdout=subprocess.DEVNULL)


# The terminal


def draw_terminal(place: Path, path: Path) -> None:
    """Run the jugfile in a terminal, and draw that when half of it is done."""
    command = ["jug", "execute", "-j", "4", "--keep-going", "cells.py"]
    screen = pyte.Screen(COLUMNS, LINES)
    drawn: list[str] = []

    def look() -> None:
        text = "\n".join(screen.display)
        done = re.search(r"(\d+) of (\d+) tasks", text)
        if not drawn and done and 2 * int(done[1]) > int(done[2]) and " left" in text:
            drawn.append(as_svg(screen, f"$ {' '.join(command)}"))

    run_in_terminal(place, [sys.executable, "-m", *command], screen, look)
    path.write_text(drawn[0])


def run_in_terminal(
    place: Path, command: list[str], screen: pyte.Screen, look: Callable[[], None]
) -> None:
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place)
        subprocess.run(["stty", "rows", str(LINES), "cols", str(COLUMNS)], check=True)
        os.execvpe(command[0], command, environment(place))
    while data := read(terminal):
        stream.feed(data)
        look()
    os.close(terminal)
    os.waitpid(pid, 0)


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the command has ended
        return b""


def as_svg(screen: pyte.Screen, prompt: str) -> str:
    """Return what stands on the screen as a picture that fetches no font."""
    console = Console(
        width=COLUMNS, record=True, file=open(os.devnull, "w"), color_system="truecolor"
    )
    console.print(Text(prompt, "bold"))
    for line in range(LINES):
        text = as_text(screen, line)
        if text.plain.strip():
            console.print(text, no_wrap=True)
    svg = console.export_svg(title="jug execute", unique_id="execute")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace, Menlo, DejaVu Sans Mono")
    return re.sub(r"<!--.*?-->", "", re.sub(r"\n\s*\n", "\n", svg))


def as_text(screen: pyte.Screen, line: int) -> Text:
    """Return a line of the screen with its colours."""
    text = Text()
    cells = [screen.buffer[line][column] for column in range(COLUMNS)]
    for style, some in groupby(cells, key=style_of):
        text.append("".join(cell.data for cell in some), style)
    text.rstrip()
    return text


def style_of(cell: pyte.screens.Char) -> str:
    colour = cell.fg.replace("brown", "yellow").replace("bright", "bright_")
    if re.fullmatch("[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    return " ".join([*(["bold"] if cell.bold else []), *([colour] if colour != "default" else [])])


# The page


def draw_page(chromium: str, page: Path) -> None:
    """Draw the top of the page in a bright window, and what is over time in a dark one."""
    with browser(chromium) as tab:
        tab.show(page.as_uri(), 1280, 900)
        tab.picture(PICTURES / "report.png", bottom_of(tab, "#graph"))
        tab.show(page.as_uri(), 1000, 900, dark=True)
        for other in ("failures", "tasks", "graph", "path"):
            tab.evaluate(f"document.getElementById('{other}').remove()")
        tab.picture(PICTURES / "report-dark.png", bottom_of(tab, "#time"))


def bottom_of(tab: Page, element: str) -> int:
    """Return how far down an element reaches."""
    found = f"document.querySelector('{element}').getBoundingClientRect().bottom"
    return int(tab.evaluate(found)) + 20


if __name__ == "__main__":
    sys.exit(main())
