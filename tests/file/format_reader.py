"""Reads a jugdir as docs/file-format.md describes it, with nothing of jug's own.

It is slow and simple on purpose: what it finds is compared with what the store finds.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Frame:
    ident: bytes
    kind: int
    digest: bytes
    record: bytes
    payload: bytes


@dataclass
class Jugdir:
    """What is in a directory."""

    path: Path
    frames: dict[bytes, Frame] = field(default_factory=dict)
    results: dict[bytes, bytes] = field(default_factory=dict)
    failures: dict[bytes, bool] = field(default_factory=dict)


def read(path: Path) -> Jugdir:
    """Read a directory."""
    title = (path / "format").read_text().splitlines()[0]
    assert title.startswith(("jug file store 1.", "jug file store 2.")), title
    jugdir = Jugdir(path)
    files = {file.stem: frames_of(file) for file in segments(path)}
    covered = {stem for frames in files.values() for stem in covered_by(frames)}
    for stem, frames in files.items():
        if stem not in covered:
            jugdir.frames.update({frame.ident: frame for frame in frames})
    settle(jugdir)
    return jugdir


def code(path: Path) -> dict[bytes, bytes]:
    """Return the pieces of code by their keys."""
    pieces = {}
    for file in (path / "code").iterdir():
        data, at = file.read_bytes(), 0
        if hashlib.sha1(data).hexdigest() != file.name:
            continue
        while at < len(data):
            of_key, of_piece = struct.unpack_from("<BI", data, at)
            key, at = data[at + 5 : at + 5 + of_key], at + 5 + of_key
            pieces[key], at = data[at : at + of_piece], at + of_piece
    return pieces


def parts_of(path: Path, field: str) -> dict[str, tuple[str, str]]:
    """Return the parts of the code that a record names, each with its kind and its source."""
    pieces, found = code(path), {}
    scheme, _, fingerprints = field.partition(":")
    assert scheme == "1"
    _, _, ids = pieces[b"c" + bytes.fromhex(fingerprints[12:])].partition(b"\0")
    for at in range(0, len(ids), 6):
        id = ids[at : at + 6]
        name, kind, own, source = json.loads(zlib.decompress(pieces[b"p" + id]))
        assert hashlib.blake2b(f"{name} {own}".encode(), digest_size=6).digest() == id
        found[name] = kind, source
    return found


def segments(path: Path) -> list[Path]:
    name = re.compile(r"[0-9a-f]{16}-[0-9]+\.(seg|pack)")
    return [file for file in (path / "segments").iterdir() if name.fullmatch(file.name)]


def frames_of(file: Path) -> list[Frame]:
    """Return the valid frames of a segment."""
    data, seed = file.read_bytes(), zlib.crc32(file.stem.encode())
    if data[:8] == bytes.fromhex("f96a75677365670a") and len(data) >= 16:
        major, _, checksum = struct.unpack_from("<HHI", data, 8)
        assert zlib.crc32(data[:12]) != checksum or major == 1, "a later format"
    frames, at = [], 16
    while at < len(data):
        frame, length = frame_at(data, at, seed)
        if frame is not None:
            frames.append(frame)
        at += length
    return frames


def frame_at(data: bytes, at: int, seed: int) -> tuple[Frame | None, int]:
    """Return the valid frame that begins there, and how far it is to what follows."""
    if data[at : at + 4] != bytes.fromhex("f96a7567") or at + 49 > len(data):
        return None, 1
    checksum, length, record = struct.unpack_from("<III", data, at + 4)
    end = at + 49 + length
    if record > length or length > 16_777_216 or end > len(data):
        return None, 1
    if zlib.crc32(data[at + 8 : end], seed) != checksum:
        return None, 1
    body = data[at + 49 : end]
    ident, kind, digest = data[at + 16 : at + 28], data[at + 28], data[at + 29 : at + 49]
    return Frame(ident, kind, digest, body[:record], body[record:]), end - at


def covered_by(frames: list[Frame]) -> list[str]:
    """Return the stems that cover frames name."""
    stems = []
    for payload in (frame.payload for frame in frames if frame.kind == 9):
        at = 0
        while at < len(payload):
            size = payload[at + 8]
            stems.append(payload[at + 9 : at + 9 + size].decode("ascii"))
            at += 9 + size
    return stems


def settle(jugdir: Jugdir) -> None:
    """Find out which frames count."""
    removals = [frame.payload for frame in jugdir.frames.values() if frame.kind == 6]
    entries = [entry for payload in removals for entry in struct.iter_unpack("<20s12sB", payload)]
    named = {(digest, ident) for digest, ident, is_next in entries if not is_next}
    tasks = [frame for frame in jugdir.frames.values() if 1 <= frame.kind <= 5]
    known = named | {(frame.digest, frame.ident) for frame in tasks}
    gone = set(named)
    for digest, lowest, is_next in entries:
        if is_next:
            targets = [
                ident
                for of, ident in known
                if of == digest and ident[:8] == lowest[:8] and ident >= lowest
            ]
            gone.update((digest, ident) for ident in sorted(targets)[:1])
    counting = [frame for frame in tasks if (frame.digest, frame.ident) not in gone]
    for frame in sorted(counting, key=lambda frame: frame.ident, reverse=True):
        if frame.kind in (1, 4):
            jugdir.results[frame.digest] = content(jugdir.path, frame)
    for frame in counting:
        if frame.kind in (2, 3) and frame.digest not in jugdir.results:
            kept = jugdir.failures.get(frame.digest, False)
            jugdir.failures[frame.digest] = kept or frame.kind == 3


def content(path: Path, frame: Frame) -> bytes:
    """Return an encoded result."""
    if frame.kind == 1:
        return frame.payload
    (size,) = struct.unpack_from("<Q", frame.payload)
    name = frame.payload[8:].decode("ascii")
    data = (path / "big" / name[:2] / name).read_bytes()
    assert len(data) == size, "damaged"
    return data


def record(data: bytes) -> dict[str, object]:
    """Return what a record says."""
    start, duration, size, memory = struct.unpack_from("<ddQQ", data)
    found: dict[str, object] = {
        "start": start,
        "duration": duration,
        "size": size,
        "memory": memory,
    }
    names = {1: "name", 2: "code", 3: "exception", 4: "traceback", 5: "worker"}
    at = 32
    while at < len(data):
        tag, length = struct.unpack_from("<BI", data, at)
        if tag in names:
            found[names[tag]] = data[at + 5 : at + 5 + length].decode()
        at += 5 + length
    return found
