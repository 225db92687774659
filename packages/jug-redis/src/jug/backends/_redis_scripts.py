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
the next one, and hears what is new.  Each command in a script costs as much as
many lines of Lua, so a turn leaves out what the worker knows to be needless: a
heartbeat soon after the last one, and to remove a failure where there was none up
to its cursor.  What it could not know, the script sees from the events after that.

*One answer* has the same shape from every script that tells what is new, and is
one string: a few numbers, the client's new cursor, the events and, after a turn,
who holds the candidates.  A client takes that apart much faster than an answer
of many parts.

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
from struct import Struct
from typing import Final

from jug.hash import SCHEME_VERSION

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

ANSWER_SECONDS: Final = 3600
"""How long an answer is kept that can't be found again by asking a second time."""

ANSWER: Final = Struct("<BIBBQBI")
"""What was done, a number that goes with it, whether the cursor was known,
whether there are more events, how often something was removed so far, and the
bytes of the cursor and of the events, which follow."""

_CONSTANTS: Final = f"""
local FORMAT, HASH = '{FORMAT}', '{SCHEME_VERSION}'
local RESULT, FAILURE, KEPT = 1, 2, 3
local NOTHING, SAVED, DUPLICATE, UNSURE, INCOMPLETE = 0, 1, 2, 3, 4
local EVENTS_KEPT, EVENTS_TOLD = {EVENTS_KEPT}, {EVENTS_TOLD}
local START, ANSWER_SECONDS = '{START}', {ANSWER_SECONDS}
"""

_COMMON: Final = (
    _CONSTANTS
    + """
local tag = KEYS[1]
local meta, log, workers = tag .. 'meta', tag .. 'log', tag .. 'workers'
local results, failures = tag .. 'results', tag .. 'failures'
local leases, beats = tag .. 'leases', tag .. 'beats'

local format, hash, removals, seen, newest = unpack(
  redis.call('HMGET', meta, 'format', 'hash', 'removals', 'seen', 'newest'))
removals = removals or '0'
if format and format ~= FORMAT then
  return redis.error_reply('JUGFORMAT ' .. format)
elseif hash and hash ~= HASH then
  return redis.error_reply('JUGHASH ' .. hash)
end

local own_event

local function announce(kind, digest)
  own_event = redis.call('XADD', log, 'MAXLEN', '~', EVENTS_KEPT, '*', 'e', kind .. digest)
  redis.call('HSET', meta, 'newest', own_event)
end

local function create()
  if not format then
    redis.call('HSET', meta, 'format', FORMAT, 'hash', HASH)
    announce('c', string.rep('0', 20))
  end
end

-- Return whether the cursor is still in the log, the last event that is told,
-- all events after the cursor in one string, and whether there are more.
local function news(cursor)
  if cursor == newest then
    return 1, cursor, '', 0
  end
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

-- Return what every script answers that tells what is new.  What it announced itself the
-- client knows, and passes over it unless there is something before it still to be told.
local function answer(done, number, told, last, events, more)
  if own_event and told == 1 and more == 0 then
    last = own_event
  end
  return struct.pack('<BI4BBI8BI4', done, number, told, more, tonumber(removals),
                     #last, #events) .. last .. events
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
  return tag .. 'blob:' .. id:gsub('.', function(byte)
    return string.format('%02x', byte:byte())
  end)
end

-- Return id, kind, chunks and size of an entry, nothing if it is damaged.
local function header(entry)
  if #entry >= 25 then
    return struct.unpack('<c12BI4I8', entry)
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
local cursor, lease, is_beat_due, has_failed = unpack(ARGV, 1, 4)
local ending, digest, token, known_removals, entry, body = unpack(ARGV, 5, 10)
local next_token, packed_candidates = ARGV[11], ARGV[12]

local told, last, events, more = news(cursor)
local is_unsure = told == 0 or events ~= ''

-- Look at all tasks that this is about at once, the one that ends first.
local tasks = {digest}
for at = 1, #packed_candidates, 20 do
  tasks[#tasks + 1] = packed_candidates:sub(at, at + 19)
end
local held = redis.call('HMGET', leases, unpack(tasks))
local there = redis.call('HMGET', results, unpack(tasks))

-- Each branch begins with the write that needs memory: if the server is full,
-- it fails there, with nothing done.

local function save_failure(kind)
  local before = redis.call('HGET', failures, digest)
  if before and before:byte(13) == KEPT then
    kind = KEPT
    entry = entry:sub(1, 12) .. string.char(KEPT) .. entry:sub(14)
  end
  redis.call('HSET', failures, digest, entry)
  announce(kind == KEPT and 'k' or 'f', digest)
end

local function save_result(blob, chunks)
  redis.call('HSET', results, digest, entry)
  if chunks > 0 and #body > 0 then
    redis.call('HSET', blob, '0', body)
  elseif chunks > 0 then
    redis.call('PERSIST', blob)
  end
  if is_unsure or has_failed == '1' then
    redis.call('HDEL', failures, digest)
  end
  announce('d', digest)
end

local function save()
  local id, kind, chunks = header(entry)
  if there[1] and there[1]:sub(1, 12) == id then
    return SAVED
  elseif there[1] then
    drop_blob(entry)
    return DUPLICATE
  end
  local blob = chunks > 0 and blob_of(id)
  if blob and #body == 0 and redis.call('HLEN', blob) ~= chunks then
    return INCOMPLETE
  end
  create()
  if kind == RESULT then
    save_result(blob, chunks)
  else
    save_failure(kind)
  end
  return SAVED
end

local function give_back()
  if held[1] == token then
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
  announce('u', digest)
end

-- A call that is tried again after its answer was lost finds its own token.
local function take()
  for i = 2, #tasks do
    if held[i] == next_token then
      return i - 1, {}
    end
  end
  local time
  if is_unsure or is_beat_due == '1' or not format then
    time = beat(holder_of(next_token), tonumber(lease))
  end
  create()
  local blocking = {}
  for i = 2, #tasks do
    if not there[i] then
      local holder = held[i] and holder_of(held[i])
      time = time or holder and now()
      if not holder or not is_alive(holder, time) then
        redis.call('HSET', leases, tasks[i], next_token)
        return i - 1, {}
      end
      blocking[holder] = true
    end
  end
  return 0, blocking
end

local taken, blocking = 0, {}
if outcome < UNSURE and #tasks > 1 then
  taken, blocking = take()
end

local holders = {}
for holder in pairs(blocking) do
  holders[#holders + 1] = holder
end
return answer(outcome, taken, told, last, events, more) .. table.concat(holders, ' ')
"""

_NEWS: Final = """
return answer(NOTHING, 0, news(ARGV[1]))
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
-- What frees memory comes first, so that this works when the server is full.
for i = 3, #ARGV do
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
    announce('r', digest)
    is_change = true
  end
end
if is_change then
  removals = redis.call('HINCRBY', meta, 'removals', 1)
  redis.call('SET', before, count, 'EX', ANSWER_SECONDS)
end
return answer(NOTHING, count, told, last, events, more)
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
DONE: Final = Script(_COMMON + _DONE)
READ: Final = Script(_COMMON + _READ)
UPLOAD: Final = Script(_COMMON + _UPLOAD)
DISCARD: Final = Script(_COMMON + _DISCARD)
BREAK: Final = Script(_COMMON + _BREAK)
HOLDERS: Final = Script(_COMMON + _HOLDERS)
BURY: Final = Script(_COMMON + _BURY)
BEAT: Final = Script(_COMMON + _BEAT)
