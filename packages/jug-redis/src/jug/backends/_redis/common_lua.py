"""The Lua that begins every script, and the numbers that it shares with Python."""

from __future__ import annotations

from struct import Struct
from typing import Final

from jug.backends.base import Kind
from jug.hash import SCHEME_VERSION
from jug.records import STATE_TAG

FORMAT: Final = 1
"""The version of the layout of the keys and of all that is in them."""

# What a round trip did with a frame.
NO_FRAME, SAVED, DUPLICATE, UNSURE, INCOMPLETE = range(5)

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
local RESULT, KEPT = {Kind.RESULT:d}, {Kind.KEPT:d}
local NO_FRAME, SAVED, DUPLICATE = {NO_FRAME}, {SAVED}, {DUPLICATE}
local UNSURE, INCOMPLETE = {UNSURE}, {INCOMPLETE}
local EVENTS_KEPT, EVENTS_TOLD = {EVENTS_KEPT}, {EVENTS_TOLD}
local START, ANSWER_SECONDS = '{START}', {ANSWER_SECONDS}
local STATE_TAG = {STATE_TAG}
"""

COMMON: Final = (
    _CONSTANTS
    + """
local tag = KEYS[1]
local meta, log, workers = tag .. 'meta', tag .. 'log', tag .. 'workers'
local results, failures = tag .. 'results', tag .. 'failures'
local leases, beats, runs = tag .. 'leases', tag .. 'beats', tag .. 'runs'
local running = tag .. 'running'

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

-- Remember a run that does not count, as its id and record: of each task the last few.
local function remember(digest, run, kept)
  local earlier = redis.call('HGET', runs, digest) or ''
  local starts, at = {}, 1
  while at <= #earlier do
    local size = struct.unpack('<I4', earlier, at)
    if earlier:sub(at + 4, at + 15) == run:sub(1, 12) then
      return
    end
    starts[#starts + 1], at = at, at + 4 + size
  end
  if kept == 0 then
    return
  elseif #starts >= kept then
    earlier = earlier:sub(starts[#starts - kept + 2] or at)
  end
  redis.call('HSET', runs, digest, earlier .. struct.pack('<I4', #run) .. run)
end

-- Remember the run of an entry that counts no more, with what became of it.
local function remember_entry(digest, entry, kept)
  if #entry < 29 then
    return
  end
  local id, kind, _, _, size = struct.unpack('<c12BI4I8I4', entry)
  local state = kind == RESULT and 'discarded' or 'failed'
  local record = entry:sub(30, 29 + size)
  remember(digest, id .. record .. struct.pack('<BI4', STATE_TAG, #state) .. state, kept)
end

local function drop_blob(entry)
  local id, kind, chunks = header(entry)
  if id and chunks > 0 then
    redis.call('UNLINK', blob_of(id))
  end
end
"""
)
