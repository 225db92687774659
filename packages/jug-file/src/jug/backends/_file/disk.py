"""The few things that a store asks of a file system."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from jug.backends.base import Buffer
from jug.errors import JugError, StoreError

TEMPORARY: Final = ".tmp"

# What is not there yet is never asked for by name, so what is missing was there before.
_REMOVED: Final = "it, or a file in it, was removed while in use: run again to compute what is lost"

_ADVICE: Final = {
    errno.ENOENT: _REMOVED,
    errno.ESTALE: _REMOVED,
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EDQUOT: "the quota is used up: free some of it and run again",
    errno.EFBIG: "the file would be larger than is allowed: raise the limit (ulimit -f)",
    errno.EROFS: "the file system is read-only: mount it writable or choose another --jugdir",
    errno.EACCES: "permission denied: change the permissions or choose another --jugdir",
    errno.EPERM: "it is not permitted: change the permissions or choose another --jugdir",
    errno.EIO: "input/output error: check the disk or the file server and run again",
    errno.EMFILE: "too many open files: raise the limit (ulimit -n)",
    errno.ENFILE: "too many open files in the system: close other programs",
    errno.ENOTDIR: "a part of the path is a file: choose another --jugdir",
}

_UNSUPPORTED: Final = frozenset(
    (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY)
)

# On these a file that was made by another process is there at once for all, and
# a folder's modification time shows that it changed.
_LOCAL: Final = frozenset(
    "apfs bcachefs btrfs ext2 ext3 ext4 f2fs jfs overlay ramfs tmpfs ufs xfs zfs".split()
)

# These write over a block where it is.  Others take a new one, which a full disk has not, and
# who has the file mapped is killed then.
_IN_PLACE: Final = frozenset("ext2 ext3 ext4 ramfs tmpfs".split())


def fault(error: OSError, path: str | os.PathLike[str], doing: str) -> OSError:
    """Return the error that says what could not be done, why, and what to do.

    >>> print(fault(OSError(errno.ENOSPC, "No space left on device"), "data", "save in"))
    cannot save in 'data', the disk is full: free some space and run again
    """
    if isinstance(error, JugError):  # a store's, or the time limit of a task that uses one
        return error
    reason = _ADVICE.get(error.errno or 0)
    if reason is None:
        reason = f"{error.strerror or error}: look after the file system and run again"
    return StoreError(f"cannot {doing} {os.fspath(path)!r}, {reason}", path=os.fspath(path))


def is_missing(error: OSError) -> bool:
    """Return whether the error says that a file was removed, here or by another host."""
    return error.errno in (errno.ENOENT, errno.ESTALE)


def is_unsupported(error: OSError) -> bool:
    """Return whether the error says that the file system does no such thing."""
    return error.errno in _UNSUPPORTED


def is_folder(path: str) -> bool:
    """Return whether this is a folder; raises OSError if that can't be known."""
    return _has_mode(path, stat.S_ISDIR)


def is_file(path: str) -> bool:
    """Return whether this is a file; raises OSError if that can't be known."""
    return _has_mode(path, stat.S_ISREG)


def _has_mode(path: str, is_wanted: Callable[[int], bool]) -> bool:
    try:
        return is_wanted(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def explained(path: str | os.PathLike[str], doing: str) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError that names the path."""
    try:
        yield
    except OSError as error:
        raise fault(error, path, doing) from error


def sync(file: int) -> None:
    """Return once what was written to the file survives a power cut."""
    if sys.platform == "darwin":
        from fcntl import F_FULLFSYNC, fcntl

        try:  # the disk's own cache is emptied too, which a file server can't be asked for
            fcntl(file, F_FULLFSYNC)
            return
        except OSError as error:
            if not is_unsupported(error):
                raise
    os.fsync(file)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Return once the names in the folder survive a power cut."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_at(file: int, data: Buffer, at: int) -> None:
    """Write all of the data; what was written when this raises is for the caller to cut off."""
    done = os.pwrite(file, data, at)
    while done < len(data):
        done += os.pwrite(file, memoryview(data)[done:], at + done)


def read_at(file: int, length: int, at: int) -> bytes:
    """Return `length` bytes of a file, fewer only where it ends."""
    data = os.pread(file, length, at)
    while 0 < len(data) < length and (more := os.pread(file, length - len(data), at + len(data))):
        data += more
    return data


def read_whole(path: str) -> bytes:
    """Return what is in a file."""
    with open(path, "rb") as file:
        return file.read()


def delete(path: str) -> None:
    """Delete a file, if nobody else has."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def folders_above(path: str) -> Iterator[str]:
    """Yield the folders in which an absolute path lies, the innermost first.

    >>> list(folders_above("/home/ada"))
    ['/home', '/']
    """
    while (above := os.path.dirname(path)) != path:
        yield above
        path = above


@contextmanager
def written_aside(path: str, temporary: str) -> Iterator[int]:
    """Yield a new file for the block to write; it is `path` after the block, and not before.

    So whoever finds `path` finds it as the block has left it.  To survive a power cut
    the file is synced in the block, and its folder after it.  The file stays open, for
    the caller to close.  If the block or the renaming fails nothing is left.
    """
    file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        yield file
        os.rename(temporary, path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to report
            os.close(file)
        with suppress(OSError):  # the first error is the one to report
            os.unlink(temporary)
        raise


def disk_time(folder: str) -> float:
    """Return the time by the clock of the disk that the folder is on."""
    probe = os.path.join(folder, f"{os.urandom(8).hex()}{TEMPORARY}")
    file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return os.fstat(file).st_mtime
    finally:
        os.close(file)
        os.unlink(probe)


def is_local(path: str) -> bool:
    """Return whether the path, which need not be there yet, is certainly on a disk of this host."""
    kinds = _kinds(path)
    return bool(kinds) and kinds <= _LOCAL


def writes_in_place(file: int, path: str) -> bool:
    """Return whether an open file that was synced can certainly be written over on a full disk."""
    kinds = _kinds(path)
    return bool(kinds) and kinds <= _IN_PLACE and os.fstat(file).st_blocks > 0


def _kinds(path: str) -> set[str]:
    """Return what kind of file system the path is on, none or several where that is not sure."""
    path = next(filter(os.path.exists, (path, *folders_above(path))), path)
    try:
        device = os.stat(path).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        mounts = os.fsdecode(read_whole("/proc/self/mountinfo")).splitlines()
    except OSError:
        return set()
    kinds = {
        line.partition(" - ")[2].split(" ", 1)[0] for line in mounts if line.split()[2] == wanted
    }
    # Where a device is an anonymous one (btrfs), the mount with the longest path decides.
    return kinds or {_kind_by_path(path, mounts)}


def _kind_by_path(path: str, mounts: list[str]) -> str:
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts:
        point = _unescaped(line.split()[4])
        if len(point) >= len(best) and os.path.join(real, "").startswith(os.path.join(point, "")):
            best, kind = point, line.partition(" - ")[2].split(" ", 1)[0]
    return kind


def _unescaped(point: str) -> str:
    """Return a path in which the kernel has written a space, for one, as its octal code.

    >>> _unescaped("/my\\040data")
    '/my data'
    """
    return os.fsdecode(os.fsencode(point).decode("unicode_escape").encode("latin-1"))


def raise_descriptor_limit() -> None:
    """Let this process open as many files as the system allows it: a mapped result keeps one."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (1 << 16, 10240):  # macOS may allow less than it says, but always the second
        wanted = min(hard, most) if hard != resource.RLIM_INFINITY else most
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
