"""The Lua of a worker's round trip: it ends a lease, takes the next, and brings what is new."""

from __future__ import annotations

from typing import Final

ROUND_TRIP: Final = """
local cursor, lease, is_beat_due, has_failed = unpack(ARGV, 1, 4)
local ending, digest, token, known_removals, entry, body = unpack(ARGV, 5, 10)
local next_token, packed_candidates, runs_kept = ARGV[11], ARGV[12], tonumber(ARGV[13])

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
  if before then
    remember_entry(digest, before, runs_kept)
  end
  announce(kind == KEPT and 'k' or 'f', digest)
end

local function save_result(blob, chunks)
  redis.call('HSET', results, digest, entry)
  if chunks > 0 and #body > 0 then
    redis.call('HSET', blob, '0', body)
  elseif chunks > 0 then
    redis.call('PERSIST', blob)
  end
  local failure = (is_unsure or has_failed == '1') and redis.call('HGET', failures, digest)
  if failure then
    redis.call('HDEL', failures, digest)
    remember_entry(digest, failure, runs_kept)
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

local outcome = NO_FRAME
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
