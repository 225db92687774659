"""Every error that jug raises, in one tree.

Each names the thing that is wrong and says what to do.  An error also inherits
the builtin that callers of such code already catch, keeps the object it is
about as an attribute, and survives pickling, since it crosses processes.
"""

from __future__ import annotations

from typing import Any


class JugError(Exception):
    """Raised when something goes wrong that jug itself can name."""

    def __init__(self, message: str, **about: Any) -> None:
        super().__init__(message)
        self.message = message
        self.__dict__.update(about)

    def __str__(self) -> str:
        """Return the message alone: a KeyError would show its quotes."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by message and attributes."""
        return (_rebuild, (type(self), self.message, self.__dict__))


def _rebuild(cls: type[JugError], message: str, about: dict[str, Any]) -> JugError:
    error = cls.__new__(cls, message)
    error.args = (message,)
    error.__dict__.update(about)
    return error


# What is asked of jug


class OptionError(JugError, ValueError):
    """Raised when an option, a configuration key or an argument has a bad value."""


class JugfileError(JugError):
    """Raised when a jugfile is not there or cannot be read."""


class TaskNotFound(OptionError, KeyError):
    """Raised when no task has the name or the hash that was asked for."""


class DistributionMissing(JugError, ImportError):
    """Raised when a name belongs to a distribution that is not installed."""


class NameGone(JugError):
    """Raised when a name of jug 2.x is asked for that is gone, by one of these two."""


class ImportGone(NameGone, ImportError):
    """Raised when such a name is imported."""


class AttributeGone(NameGone, AttributeError):
    """Raised when such a name is asked for as an attribute of its module."""


# Identity


class HashError(JugError, TypeError):
    """Raised when a value has no hash that would be the same in another process."""


# Results


class ResultNotFound(JugError, KeyError):
    """Raised when a value is asked for that has not been computed yet."""


class EncodeError(JugError, TypeError):
    """Raised when a result cannot be turned into bytes."""


class DecodeError(JugError, ValueError):
    """Raised when stored bytes are whole but cannot be made into a value again."""


class DamagedResult(JugError, ValueError):
    """Raised when stored bytes are not what was written."""

    frame: Any = None
    """Which frame is damaged, where a store has looked twice (`ResultPromises.use`)."""


class BarrierError(JugError):
    """Raised when a jugfile cannot be read further before some task is done."""


# Running


class TaskError(JugError, RuntimeError):
    """Raised when a task is used in a way that its state does not allow."""


class IterationError(JugError, TypeError):
    """Raised when a task is used as the sequence that its result may come to be."""


class LockError(JugError, RuntimeError):
    """Raised when a lock is used by somebody who does not hold it."""


class TaskFailed(JugError, RuntimeError):
    """Raised when the value of a task is asked for and the task failed."""


class ResultFailed(TaskFailed, ResultNotFound):
    """Raised when a value is asked for that is not there because its task failed.

    It has the exception and the traceback that were recorded as `exception` and `traceback`.
    """


class CallFailed(TaskFailed, BarrierError):
    """Raised by `CachedFunction` for a call that failed for good: a jugfile stops there."""


class TaskTimeout(JugError, TimeoutError):
    """Raised inside a task that ran past its time limit."""


# Stores


class StoreError(JugError, OSError):
    """Raised when a store cannot be opened, read or written."""


class UnknownStore(StoreError, ValueError):
    """Raised when no installed distribution knows a store's URL scheme."""


class StoreFormatError(StoreError):
    """Raised when a store was written in a format that this version does not know."""
