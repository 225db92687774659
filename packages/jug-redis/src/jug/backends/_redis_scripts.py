"""The scripts that run inside the server, each one atomic.

All that workers must agree on is decided here, in one place and at one moment.

*The log* is a stream of events, each one letter and a digest: a result is there
(``d``), a failure (``f``, or ``k`` if it is kept), both were removed (``r``), a
lease is free without either (``u``).  ``c`` opens the log.  A client's *cursor*
is the last event that it knows.  It asks for what came after, *including the
cursor itself*: if that event is not there any more, because the log was trimmed
beyond it, the server was emptied, or it fell back to a replica that had not
heard of it, then the client's index can't be mended and is read anew.

*A turn* is one trip of a worker: it ends a lease, saving a frame or not, takes
the next one, and hears what is new.

*Removals* are counted.  A client says up to which count it knows them.  If the
server's is another one, nothing is saved: the client first hears what was
removed, and decides whether what it has was made from that.

*Leases* are values ``worker:number`` under a task's digest, and one deadline per
worker, which its heartbeat moves on.  A server that was away, or whose clock
was set, would make everybody look dead.  So the server also keeps when it was
last *seen* at work; if that is too long ago, all deadlines are moved by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

FORMAT: Final = 1
"""The version of the layout of the keys and of all that is in them."""

# What `turn` did with a frame.
NOTHING, SAVED, DUPLICATE, UNSURE, INCOMPLETE = range(5)

START: Final = "0-0"
"""The cursor of a client that knows of nothing."""

EVENTS_KEPT: Final = 65_536
"""A client that was away for more events than these reads the index anew."""

EVENTS_TOLD: Final = 4096
"""How many events one answer brings at most."""

KEYS: Final = ("meta", "log", "results", "failures", "leases", "beats", "workers", "blob:")

_CONSTANTS: Final = f"""
local FORMAT = '{FORMAT}'
local RESULT, FAILURE, KEPT = 1, 2, 3
local NOTHING, SAVED, DUPLICATE, UNSURE, INCOMPLETE = 0, 1, 2, 3, 4
local EVENTS_KEPT, EVENTS_TOLD = {EVENTS_KEPT}, {EVENTS_TOLD}
local START = '{START}'
"""

_COMMON: Final = (
    _CONSTANTS
    + """
local meta, log, results, failures, leases, beats, workers, blobs = unpack(KEYS)

local format, removals, seen = unpack(redis.call('HMGET', meta, 'format', 'removals', 'seen'))
removals = removals or '0'
if format and format ~= FORMAT then
  return redis.error_reply('JUGFORMAT ' .. format)
end

local function announce(kind, digest)
  return redis.call('XADD', log, 'MAXLEN', '~', EVENTS_KEPT, '*', 'e', kind .. digest)
end

local function create()
  if not format then
    redis.call('HSET', meta, 'format', FORMAT)
    announce('c', string.rep('0', 20))
  end
end

-- Return whether the cursor is still in the log, the last event that is told,
-- all events after the cursor in one string, and whether there are more.
local function news(cursor)
  local found = redis.call('XRANGE', log, cursor, '+', 'COUNT', EVENTS_TOLD + 1)
  local first = found[1]
  local known, from
  if cursor == START then
    known, from = not first or first[2][2]:sub(1, 1) == 'c', 1
  else
    known, from = first and first[1] == cursor, 2
  end
  if not known then
    return 0, cursor, '', 0
  end
  local events = {}
  for i = from, #found do
    events[#events + 1] = found[i][2][2]
  end
  local last = first and found[#found][1] or cursor
  return 1, last, table.concat(events), #found > EVENTS_TOLD and 1 or 0
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Return the time, after moving all deadlines if time has jumped.
local function clock(lease)
  local time = now()
  local jump = time - (tonumber(seen) or time)
  if math.abs(jump) > lease / 2 then
    for _, worker in ipairs(redis.call('ZRANGE', beats, 0, -1)) do
      redis.call('ZINCRBY', beats, jump, worker)
    end
  end
  if math.abs(jump) > lease / 100 or jump == 0 then
    redis.call('HSET', meta, 'seen', time)
  end
  return time
end

local function beat(worker, lease)
  local time = clock(lease)
  redis.call('ZADD', beats, time + lease, worker)
  return time
end

local function holder_of(token)
  return token:match('^[^:]*')
end

local function is_alive(worker, time)
  local deadline = redis.call('ZSCORE', beats, worker)
  return deadline and tonumber(deadline) > time
end

local function blob_of(id)
  return blobs .. id:gsub('.', function(byte) return string.format('%02x', byte:byte()) end)
end

-- Return id, kind, chunks and size of an entry, nothing if it is damaged.
local function header(entry)
  if #entry >= 21 then
    return struct.unpack('<c8BI4I8', entry)
  end
end

local function drop_blob(entry)
  local id, kind, chunks = header(entry)
  if id and chunks > 0 then
    redis.call('UNLINK', blob_of(id))
  end
end
"""
)

_TURN: Final = """
local cursor, worker, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local ending, digest, token, known_removals, entry, body = unpack(ARGV, 4, 9)
local next_token, packed_candidates = ARGV[10], ARGV[11]

local told, last, events, more = news(cursor)

-- Each branch begins with the write that needs memory: if the server is full,
-- it fails there, with nothing done.

local function save_failure(kind)
  local before = redis.call('HGET', failures, digest)
  if before and before:byte(9) == KEPT then
    kind = KEPT
    entry = entry:sub(1, 8) .. string.char(KEPT) .. entry:sub(10)
  end
  redis.call('HSET', failures, digest, entry)
  return announce(kind == KEPT and 'k' or 'f', digest)
end

local function save_result(blob, chunks)
  redis.call('HSET', results, digest, entry)
  if chunks > 0 and #body > 0 then
    redis.call('HSET', blob, '0', body)
  elseif chunks > 0 then
    redis.call('PERSIST', blob)
  end
  redis.call('HDEL', failures, digest)
  return announce('d', digest)
end

local own_event

local function save()
  local id, kind, chunks = header(entry)
  local there = redis.call('HGET', results, digest)
  if there and there:sub(1, 8) == id then
    return SAVED
  elseif there then
    drop_blob(entry)
    return DUPLICATE
  end
  local blob = chunks > 0 and blob_of(id)
  if blob and #body == 0 and redis.call('HLEN', blob) ~= chunks then
    return INCOMPLETE
  end
  create()
  if kind == RESULT then
    own_event = save_result(blob, chunks)
  else
    own_event = save_failure(kind)
  end
  return SAVED
end

local function give_back()
  if redis.call('HGET', leases, digest) == token then
    redis.call('HDEL', leases, digest)
    return true
  end
end

local outcome = NOTHING
if ending == 'save' then
  if known_removals ~= '' and known_removals ~= removals then
    outcome = UNSURE
  else
    outcome = save()
    if outcome ~= INCOMPLETE then
      give_back()
    end
  end
elseif ending == 'drop' and give_back() then
  own_event = announce('u', digest)
end

-- A call that is tried again after its answer was lost finds its own token.
local function take()
  local candidates = {}
  for at = 1, #packed_candidates, 20 do
    candidates[#candidates + 1] = packed_candidates:sub(at, at + 19)
  end
  local held = redis.call('HMGET', leases, unpack(candidates))
  for i, holding in ipairs(held) do
    if holding == next_token then
      return i
    end
  end
  create()
  local time = beat(worker, lease)
  local blocking = {}
  for i, holding in ipairs(held) do
    local candidate = candidates[i]
    if redis.call('HEXISTS', results, candidate) == 0 then
      if holding and is_alive(holder_of(holding), time) then
        blocking[holder_of(holding)] = true
      else
        redis.call('HSET', leases, candidate, next_token)
        return i
      end
    end
  end
  return 0, blocking
end

local taken, holders = 0, {}
if outcome < UNSURE and #packed_candidates > 0 then
  local blocking
  taken, blocking = take()
  for holder in pairs(blocking or {}) do
    holders[#holders + 1] = holder
  end
end

if own_event and told == 1 and more == 0 then
  last = own_event
end
return {outcome, taken, holders, told, last, events, more, removals}
"""

_NEWS: Final = """
local told, last, events, more = news(ARGV[1])
return {told, last, events, more, removals}
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
  tasks[#tasks + 1] = page[2][i + 1]:sub(9, 9) .. page[2][i]
end
return {page[1], table.concat(tasks)}
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
local blob = blobs .. ARGV[1]
redis.call('HSET', blob, ARGV[2], ARGV[3])
redis.call('EXPIRE', blob, ARGV[4])
"""

_DISCARD: Final = """
local told, last, events, more = news(ARGV[1])
local count, own_event = 0, nil
-- What frees memory comes first, so that this works when the server is full.
for i = 2, #ARGV do
  local digest = ARGV[i]
  local entry = redis.call('HGET', results, digest)
  if entry then
    drop_blob(entry)
    redis.call('HDEL', results, digest)
  end
  local failed = redis.call('HDEL', failures, digest) == 1
  if entry or failed then
    count = count + 1
  end
  if entry or failed or redis.call('HEXISTS', leases, digest) == 1 then
    own_event = announce('r', digest)
  end
end
if own_event then
  removals = redis.call('HINCRBY', meta, 'removals', 1)
end
if own_event and told == 1 and more == 0 then
  last = own_event
end
return {count, told, last, events, more, removals}
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

_HOLDERS: Final = """
local time = now()
local held = redis.call('HGETALL', leases)
local found = {}
for i = 1, #held, 2 do
  local worker = holder_of(held[i + 1])
  local process = redis.call('HGET', workers, worker) or ''
  found[#found + 1] = {held[i], worker, process, is_alive(worker, time) and 1 or 0}
end
return found
"""

# The workers that are named are certainly gone; others whose time is over are buried too.
_BURY: Final = """
local time = clock(tonumber(ARGV[1]))
for i = 2, #ARGV do
  redis.call('ZREM', beats, ARGV[i])
end
local held = redis.call('HGETALL', leases)
local count = 0
for i = 1, #held, 2 do
  if not is_alive(holder_of(held[i + 1]), time) then
    redis.call('HDEL', leases, held[i])
    announce('u', held[i])
    count = count + 1
  end
end
redis.call('ZREMRANGEBYSCORE', beats, '-inf', time)
return count
"""

_BEAT: Final = """
beat(ARGV[1], tonumber(ARGV[2]))
"""


@dataclass(frozen=True)
class Script:
    """A script and the name that the server knows it by."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.source.encode()).hexdigest())


TURN: Final = Script(_COMMON + _TURN)
NEWS: Final = Script(_COMMON + _NEWS)
HEAD: Final = Script(_COMMON + _HEAD)
PAGE: Final = Script(_COMMON + _PAGE)
READ: Final = Script(_COMMON + _READ)
UPLOAD: Final = Script(_COMMON + _UPLOAD)
DISCARD: Final = Script(_COMMON + _DISCARD)
BREAK: Final = Script(_COMMON + _BREAK)
HOLDERS: Final = Script(_COMMON + _HOLDERS)
BURY: Final = Script(_COMMON + _BURY)
BEAT: Final = Script(_COMMON + _BEAT)
