"""What workers print, on its way through their supervisor.

The supervisor reads each worker's pipes as soon as something is in them, puts the last of
it where the worker finds it (`jug.execution.last_output`), and passes all on to its own
output, which may be slow, or stand still as a pager does.  So it writes only where that
does not block, and keeps little in memory: while that waits nothing more is read, and a
worker that goes on printing waits in its own call, as it would without a supervisor.
A run that is to stop does not wait for long (`hurry`): what nobody takes is dropped then.
What the supervisor itself has to tell goes the same way, since it must not stand still either;
of what nobody reads only the first is kept, and told at last how much there was more.

A process that a task has started and that outlives its worker keeps the pipe.  What it
prints is passed on, and is in nobody's record; at the end of the command a small process
is left that passes it on for as long as there is such a process (`main`).
"""

from __future__ import annotations

import os
import select
import selectors
import stat
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from math import inf
from typing import Final

from jug.descriptors import is_ready, write_all
from jug.execution.last_output import LastOutput, LastOutputs
from jug.execution.output_pipe import OutputPipe, open_pipes
from jug.messages import Log, telling_through, told_to
from jug.wording import counted

log = Log("supervisor")

Write = Callable[[int, bytes, Hashable], None]
"""Writes to a descriptor, all of it; the last argument tells apart from whom it comes."""

_MOST_READS: Final = 64  # in a row, as a process that was left behind may print for ever
_PAUSE: Final = 100  # milliseconds between two looks at the time
_MOST_WAITING: Final = 1000  # pieces, after which no further message waits
_TERMINAL_CHUNK: Final = 1024
_CHUNK: Final = 1 << 16


class Outputs:
    """The pipes of all workers, whose connections are in the same selector.

    The data of a key in the selector is what is to be called.
    """

    def __init__(self, selector: selectors.BaseSelector, write: Write | None = None) -> None:
        self._selector = selector
        self._write = write or _write
        self._pipes: dict[OutputPipe, LastOutput | None] = {}
        """The pipes that are open, and where the last of it is kept while the worker lives."""
        self._waiting: dict[int, deque[tuple[Hashable, bytes]]] = {}
        """By descriptor, in pieces with where each comes from."""
        self._broken: set[int] = set()
        self._until = inf
        """When what waits is dropped."""
        self._chunks: dict[int, int] = {}
        self._messages: deque[tuple[int, bytes]] = deque()
        self._left_out: Counter[int] = Counter()

    # Workers come and go

    def begin(self, outputs: LastOutputs) -> list[OutputPipe]:
        """Open the pipes of a worker that is to start, with their ends that are for it."""
        pipes = open_pipes()
        for last in outputs:
            last.reset()
        for pipe, last in zip(pipes, outputs, strict=False):
            self._pipes[pipe] = last
            if not self._waiting:
                self._listen(pipe)
        return pipes

    def take_rest(self, outputs: LastOutputs) -> None:
        """Take what a worker has printed so far."""
        for pipe in self._pipes_of(outputs):
            self._take_all(pipe)

    def end(self, outputs: LastOutputs) -> None:
        """Take the rest of what a worker that is gone has printed."""
        self.take_rest(outputs)
        for pipe in self._pipes_of(outputs):
            self._pipes[pipe] = None

    def _pipes_of(self, outputs: LastOutputs) -> list[OutputPipe]:
        return [pipe for pipe, last in self._pipes.items() if last in outputs]

    def resize(self) -> None:
        """Pass on that a terminal has another size."""
        for pipe in self._pipes:
            pipe.resize()

    def hurry(self, seconds: float) -> None:
        """Wait for those who read no longer than this from now on."""
        self._until = min(self._until, time.monotonic() + seconds)

    def telling(self) -> AbstractContextManager[None]:
        """Wait for no reader meanwhile with what jug tells in this process."""
        target = told_to()
        return nullcontext() if target is None else telling_through(partial(self.tell, target))

    def tell(self, target: int, message: bytes) -> None:
        """Print a message of the supervisor's own, in `attend`; a thread or handler may tell it."""
        self._messages.append((target, message))

    def attend(self) -> None:
        """Print messages, drop what has waited for too long, and go on reading."""
        self._pass_on_messages()
        if self._waiting and time.monotonic() >= self._until:
            before = set(self._waiting)
            self._broken |= before
            self._waiting.clear()
            self._heed_waiting(before)

    def close(self) -> None:
        """Pass on what is there, and leave to another process what is still to come."""
        for pipe in list(self._pipes):
            self._take_all(pipe)
        self._pass_on_messages()
        self._write_all_waiting()
        if self._pipes:
            _pass_on_for_ever([(pipe.reader, pipe.target) for pipe in self._pipes])
        for pipe in list(self._pipes):
            self._forget(pipe)

    def _pass_on_messages(self) -> None:
        while self._messages:
            target, message = self._messages.popleft()
            if len(self._waiting.get(target, ())) > _MOST_WAITING:
                self._left_out[target] += 1
            else:
                self._pass_on(target, message)

    def _tell_left_out(self, target: int) -> None:
        count = self._left_out.pop(target, 0)
        if count:
            more = counted(count, "more message")
            self.tell(target, f"jug: and {more}, while nobody read them\n".encode())

    # Reading

    def _listen(self, pipe: OutputPipe) -> None:
        self._selector.register(pipe.reader, selectors.EVENT_READ, partial(self._take, pipe))

    def _take_all(self, pipe: OutputPipe) -> None:
        for _ in range(_MOST_READS):
            if not self._take(pipe):
                return

    def _take(self, pipe: OutputPipe) -> bool:
        """Pass on some of what is in a pipe; return whether there may be more."""
        if pipe not in self._pipes:
            return False
        data = self._read(pipe)
        if data:
            self._pass_on(pipe.target, data, pipe)
        elif data is not None:
            self._forget(pipe)
        return bool(data)

    def _read(self, pipe: OutputPipe) -> bytes | None:
        last = self._pipes[pipe]
        if last is None:
            return pipe.read()
        with last.taking():
            data = pipe.read()
            if data:
                last.put(data)
        return data

    def _forget(self, pipe: OutputPipe) -> None:
        del self._pipes[pipe]
        with suppress(KeyError):  # while something waits nothing is listened to
            self._selector.unregister(pipe.reader)
        pipe.close()

    # Writing

    def _pass_on(self, target: int, data: bytes, source: Hashable = None) -> None:
        if target not in self._broken:
            before = set(self._waiting)
            self._waiting.setdefault(target, deque()).append((source, data))
            self._write_waiting(target)
            self._heed_waiting(before)

    def _write_waiting(self, target: int) -> None:
        """Write as much as is possible without waiting."""
        pieces, size = self._waiting.pop(target), self._chunk_for(target)
        try:
            while pieces and is_ready(target):
                source, data = pieces.popleft()
                if len(data) > size:
                    pieces.appendleft((source, data[size:]))
                self._write(target, data[:size], source)
        except OSError as error:
            self._broken.add(target)
            log.error("what tasks print can't be shown any more: %s", error.strerror)
        else:
            if pieces:
                self._waiting[target] = pieces
            else:
                self._tell_left_out(target)

    def _chunk_for(self, target: int) -> int:
        if target not in self._chunks:
            self._chunks[target] = _chunk_for(target)
        return self._chunks[target]

    def _go_on(self, target: int) -> None:
        if target in self._waiting:
            before = set(self._waiting)
            self._write_waiting(target)
            self._heed_waiting(before)

    def _heed_waiting(self, before: set[int]) -> None:
        """Wait for what can't be written to yet, and read nothing as long as there is any."""
        for target in self._waiting.keys() - before:
            self._selector.register(target, selectors.EVENT_WRITE, partial(self._go_on, target))
        for target in before - self._waiting.keys():
            self._selector.unregister(target)
        if self._waiting and not before:
            for pipe in self._pipes:
                self._selector.unregister(pipe.reader)
        elif before and not self._waiting:
            for pipe in self._pipes:
                self._listen(pipe)

    def _write_all_waiting(self) -> None:
        """Wait until what waits is written, or dropped."""
        while self._waiting or self._messages:
            for target in list(self._waiting):
                is_ready(target, _PAUSE)
                self._go_on(target)
            self.attend()


def _write(target: int, data: bytes, source: Hashable) -> None:
    write_all(target, data)


def _chunk_for(target: int) -> int:
    """Return how much can be written to a descriptor that is ready for something."""
    if os.isatty(target):
        return _TERMINAL_CHUNK
    return select.PIPE_BUF if stat.S_ISFIFO(os.fstat(target).st_mode) else _CHUNK


def _pass_on_for_ever(ways: list[tuple[int, int]]) -> None:
    """Start a process that passes on what comes through some descriptors to others."""
    import subprocess  # which is slow to import

    descriptors = {descriptor for way in ways for descriptor in way}
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"]
        + [str(descriptor) for way in ways for descriptor in way],
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )
    child.returncode = 0  # nobody waits for it


def main() -> None:
    """Pass on what comes, until nobody is left who could print more."""
    numbers = [int(number) for number in sys.argv[1:]]
    targets = dict(zip(numbers[::2], numbers[1::2], strict=True))
    while targets:
        for reader in select.select(list(targets), [], [])[0]:
            try:
                data = os.read(reader, _CHUNK)
                write_all(targets[reader], data)
            except OSError:
                data = b""
            if not data:
                del targets[reader]
                os.close(reader)
