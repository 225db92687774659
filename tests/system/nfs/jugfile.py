"""Two layers of short tasks, whose results have many sizes; each run is noted beside the store."""

import os
import socket
import time
from array import array

from jug import TaskGenerator

TASKS = int(os.environ["TEST_TASKS"])
time.sleep(max(0, float(os.environ["TEST_START"]) - time.time()))  # all machines begin together
SIZES = (3, 400, 40_000)  # the last one takes 320 kB


def note(*words):
    """Add a line to this machine's own notes in one step."""
    file = os.open(
        f"/run/notes/{socket.gethostname()}.notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666
    )
    os.write(file, (" ".join(map(str, words)) + "\n").encode())
    os.close(file)


def expected(number):
    """Return the result of a task."""
    return array("d", range(number, number + SIZES[number % len(SIZES)]))


@TaskGenerator
def work(number, needed):
    """Take a few milliseconds, and see that what is needed is right."""
    note("began", number, time.time(), os.getpid(), socket.gethostname())
    time.sleep(0.02 * (number % 4))
    if needed is not None:
        assert needed == expected(number - TASKS // 2)
    note("ended", number, time.time(), os.getpid(), socket.gethostname())
    return expected(number)


first = [work(number, None) for number in range(TASKS // 2)]
second = [work(number, first[number - TASKS // 2]) for number in range(TASKS // 2, TASKS)]
