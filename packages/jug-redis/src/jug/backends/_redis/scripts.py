"""The scripts that run inside the server, each one atomic.

All that workers must agree on is decided here, in one place and at one moment.

*The log* is a stream of events, each one letter and a digest: a result is there
(``d``), a failure (``f``, or ``k`` if it is kept), both were removed (``r``), a
lease is free without either (``u``).  ``c`` opens the log.  A client's *cursor*
is the last event that it knows.  It asks for what came after, *including the
cursor itself*: if that event is not there any more, because the log was trimmed
beyond it, the server was emptied, or it fell back to a replica that had not
heard of it, then the client's index can't be mended and is read anew.

*A round trip* of a worker ends a lease, saving a frame or not, takes the next one,
and brings what is new.  Each command in a script costs as much as many lines of
Lua, so a round trip leaves out what the worker knows to be needless: a
heartbeat soon after the last one, and to remove a failure where there was none up
to its cursor.  What it could not know, the script sees from the events after that.

*One answer* has the same shape from every script that tells what is new, and is
one string: a few numbers, the client's new cursor, the events and, after a round
trip, who holds the candidates.  A client takes that apart much faster than an answer
of many parts.

*Removals* are counted.  A client says up to which count it knows them.  If the
server's is another one, nothing is saved: the client first reads what was
removed, and decides whether what it has was made from that.

*The keys* begin with the project's tag, ``jug:{prefix}:``:

    meta       hash: versions of format and hash, the count of removals, newest event, seen
    log        stream of events
    results    hash: digest to entry (`entry`)
    failures   the same for failures
    leases     hash: digest to ``worker:number``
    beats      sorted set: worker, by the deadline of its next heartbeat
    running    hash: worker to the task that it runs for long, and since when
    workers    hash: worker to what it said of itself
    runs       hash: digest to its last runs that do not count, each a length, an id, a record
    code       hash: the code that made the results, in pieces
    jugfiles   set: the jugfiles that have saved something, by name and arguments
    blob:…     hash: the chunks of one large result
    answer:…   what a removal came to, for one that is sent again; it goes by itself

*Leases* are values ``worker:number`` under a task's digest, and one deadline per
worker, which its heartbeat moves on.  A server that was away, or whose clock
was set, would make everybody look dead.  So the server also keeps when it was
last *seen* at work; if that is too long ago, all deadlines are moved by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

from jug.backends._redis import round_trip_lua
from jug.backends._redis.common_lua import (
    ANSWER,
    COMMON,
    DUPLICATE,
    EVENTS_KEPT,
    EVENTS_TOLD,
    FORMAT,
    INCOMPLETE,
    NO_FRAME,
    SAVED,
    START,
    UNSURE,
)

__all__ = [
    "ANSWER",
    "BEAT",
    "BREAK",
    "DISCARD",
    "DONE",
    "DUPLICATE",
    "EVENTS_KEPT",
    "EVENTS_TOLD",
    "FORMAT",
    "HEAD",
    "HOLDERS",
    "INCOMPLETE",
    "LEAVE",
    "NEWS",
    "NOTE",
    "NOW",
    "NO_FRAME",
    "PAGE",
    "PRESENT",
    "READ",
    "REAP",
    "ROUND_TRIP",
    "SAVED",
    "SHOW",
    "START",
    "UNSURE",
    "UPLOAD",
    "Script",
]

_NEWS: Final = """
return answer(NO_FRAME, 0, news(ARGV[1]))
"""

_HEAD: Final = """
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
return {last and last[1] or START, removals}
"""

# Each task as its kind and its digest, all in one string: a client takes that
# apart much faster than an answer of many parts.
_PAGE: Final = """
local page = redis.call('HSCAN', ARGV[1] == 'results' and results or failures, ARGV[2],
                        'COUNT', ARGV[3])
local tasks = {}
for i = 1, #page[2], 2 do
  tasks[#tasks + 1] = page[2][i + 1]:sub(13, 13) .. page[2][i]
end
return {page[1], table.concat(tasks)}
"""

# Whether the tasks whose digests are one string are done, a byte for each.
_DONE: Final = """
local tasks = {}
for at = 1, #ARGV[1], 20 do
  tasks[#tasks + 1] = ARGV[1]:sub(at, at + 19)
end
local there = redis.call('HMGET', results, unpack(tasks))
for i = 1, #tasks do
  tasks[i] = there[i] and '1' or '0'
end
return table.concat(tasks)
"""

_READ: Final = """
local entry = redis.call('HGET', results, ARGV[1])
if not entry then
  return {false, false}
end
local id, kind, chunks, size = header(entry)
local body = false
if id and chunks == 1 and size <= tonumber(ARGV[2]) then
  body = redis.call('HGET', blob_of(id), '0')
end
return {entry, body}
"""

_UPLOAD: Final = """
local blob = tag .. 'blob:' .. ARGV[1]
redis.call('HSET', blob, ARGV[2], ARGV[3])
redis.call('EXPIRE', blob, ARGV[4])
"""

# The count can't be found again by a call whose answer was lost, so it is kept for a while.
_DISCARD: Final = """
local before = tag .. 'answer:' .. ARGV[2]
local told, last, events, more = news(ARGV[1])
local count = tonumber(redis.call('GET', before) or '0')
local is_change = false
local only, runs_kept = ARGV[3], tonumber(ARGV[4])

-- One frame alone is removed by its id: another one may have taken its place.
local function is_meant(entry)
  return only == '' or entry and entry:sub(1, 12) == only
end

-- What frees memory comes first, so that this works when the server is full.
local function discard(digest, entry)
  if entry then
    drop_blob(entry)
    redis.call('HDEL', results, digest)
  end
  local failed = redis.call('HGET', failures, digest)
  if failed then
    redis.call('HDEL', failures, digest)
    remember_entry(digest, failed, runs_kept)
  end
  if entry then
    remember_entry(digest, entry, runs_kept)
  end
  if entry or failed then
    count = count + 1
  end
  if entry or failed or redis.call('HEXISTS', leases, digest) == 1 then
    announce('r', digest)
    is_change = true
  end
end

for i = 5, #ARGV do
  local entry = redis.call('HGET', results, ARGV[i])
  if is_meant(entry) then
    discard(ARGV[i], entry)
  end
end
if is_change then
  removals = redis.call('HINCRBY', meta, 'removals', 1)
  redis.call('SET', before, count, 'EX', ANSWER_SECONDS)
end
return answer(NO_FRAME, count, told, last, events, more)
"""

_NOTE: Final = """
remember(ARGV[1], ARGV[2], tonumber(ARGV[3]))
create()
"""

_BREAK: Final = """
local count = 0
for i = 1, #ARGV do
  if redis.call('HDEL', leases, ARGV[i]) == 1 then
    count = count + 1
    announce('u', ARGV[i])
  end
end
return count
"""

_ABOUT: Final = """
-- Return a worker, what it said of itself, whether it is alive, and when it counts as dead.
local function about(worker, time)
  local deadline = redis.call('ZSCORE', beats, worker)
  local alive = deadline and tonumber(deadline) > time
  return {worker, redis.call('HGET', workers, worker) or '', alive and 1 or 0, deadline or ''}
end
"""

_HOLDERS: Final = """
local time = now()
local held = redis.call('HGETALL', leases)
local found = {}
for i = 1, #held, 2 do
  local worker = holder_of(held[i + 1])
  local shown = redis.call('HGET', running, worker) or ''
  local since = shown:sub(1, 20) == held[i] and shown:sub(21) or '0'
  found[#found + 1] = {held[i], since, unpack(about(worker, time))}
end
return found
"""

_PRESENT: Final = """
local time = now()
local found = {}
for _, worker in ipairs(redis.call('ZRANGE', beats, 0, -1)) do
  found[#found + 1] = about(worker, time)
end
return found
"""

_NOW: Final = """
return now()
"""

# The workers that are named are certainly gone; others whose time is over are reaped too.
_REAP: Final = """
local time = clock(tonumber(ARGV[1]))
for i = 2, #ARGV do
  redis.call('ZREM', beats, ARGV[i])
end
for _, worker in ipairs(redis.call('HKEYS', running)) do
  if not is_alive(worker, time) then
    redis.call('HDEL', running, worker)
  end
end
local held = redis.call('HGETALL', leases)
local freed = {}
for i = 1, #held, 2 do
  local holder = holder_of(held[i + 1])
  if not is_alive(holder, time) then
    redis.call('HDEL', leases, held[i])
    announce('u', held[i])
    freed[#freed + 1] = {held[i], holder}
  end
end
redis.call('ZREMRANGEBYSCORE', beats, '-inf', time)
return freed
"""

# Who beats for a worker may do so once more after it has ended, which does not enter it again.
_BEAT: Final = """
local said = redis.call('HGET', workers, ARGV[1]) or ''
local is_json, about = pcall(cjson.decode, said)
if not (is_json and type(about) == 'table' and about['end']) then
  beat(ARGV[1], tonumber(ARGV[2]))
end
"""

# A worker that has left is not entered again.
_SHOW: Final = """
if redis.call('ZSCORE', beats, ARGV[1]) then
  redis.call('HSET', running, ARGV[1], ARGV[2] .. ARGV[3])
end
"""

_LEAVE: Final = """
redis.call('ZREM', beats, ARGV[1])
redis.call('HDEL', running, ARGV[1])
"""


@dataclass(frozen=True)
class Script:
    """A script and the name that the server knows it by."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.source.encode()).hexdigest())


ROUND_TRIP: Final = Script(COMMON + round_trip_lua.ROUND_TRIP)
NEWS: Final = Script(COMMON + _NEWS)
HEAD: Final = Script(COMMON + _HEAD)
PAGE: Final = Script(COMMON + _PAGE)
PRESENT: Final = Script(COMMON + _ABOUT + _PRESENT)
DONE: Final = Script(COMMON + _DONE)
READ: Final = Script(COMMON + _READ)
UPLOAD: Final = Script(COMMON + _UPLOAD)
DISCARD: Final = Script(COMMON + _DISCARD)
NOTE: Final = Script(COMMON + _NOTE)
NOW: Final = Script(COMMON + _NOW)
BREAK: Final = Script(COMMON + _BREAK)
HOLDERS: Final = Script(COMMON + _ABOUT + _HOLDERS)
REAP: Final = Script(COMMON + _REAP)
BEAT: Final = Script(COMMON + _BEAT)
SHOW: Final = Script(COMMON + _SHOW)
LEAVE: Final = Script(COMMON + _LEAVE)
