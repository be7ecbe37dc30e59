-- Keeps the sessions of one owner: a sorted set.
--
-- A session is its id, 16 bytes, and its score is when it ends at last, by the clock of those who
-- use it. A session whose record is on its way has a mark beside it, '+' and its id: its score is
-- when the record can no longer arrive, by the clock of this server, and negative, so that marks are
-- never taken for sessions. Both go by themselves when their time is over.
--
-- KEYS[1]  the set
-- ARGV[1]  what to do: 'enrol' or 'strike'
--
-- enrol:   ARGV[2] id, ARGV[3] when the session ends, ARGV[4] now, ARGV[5] how long the record may be
--          on its way, ARGV[6] how many there may be (0: any number), ARGV[7] slack
-- strike:  ARGV[2] not after, by the clock of this server, ARGV[3] 1 if marks protect from it, ARGV[4..] ids
--
-- Answers what came of it, and the time of this server. What Redis says against a command is passed
-- on: before version 7 a script that fails hides the code behind words of its own.

local DONE, FULL, LATE = 0, 1, 2

local key, verb = KEYS[1], ARGV[1]
local function call(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then error(reply, 0) end
  return reply
end

local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)

local function strike(not_after, marks_protect, ids)
  if clock > tonumber(not_after) then return LATE end
  for _, id in ipairs(ids) do
    local mark = '+' .. id
    local arrives = marks_protect == '1' and call('ZSCORE', key, mark)
    if not arrives or -arrives <= clock then call('ZREM', key, id, mark) end
  end
  return DONE
end

local function enrol(id, ends, now, arrival, limit, slack)
  -- Of two clocks one may be wrong: what is over for both is over.
  call('ZREMRANGEBYSCORE', key, '(0', math.min(now, clock))
  call('ZREMRANGEBYSCORE', key, -clock, '(0')
  local known = tonumber(call('ZSCORE', key, id) or 0)
  local after_now = string.format('(%.0f', now)
  if limit > 0 and known <= now and call('ZCOUNT', key, after_now, '+inf') >= limit then return FULL end
  ends = math.max(ends, known)
  call('ZADD', key, ends, id, -clock - arrival, '+' .. id)
  call('PEXPIRE', key, math.max(ends - now + slack, call('PTTL', key)))
  return DONE
end

local function run()
  if verb == 'strike' then return strike(ARGV[2], ARGV[3], { unpack(ARGV, 4) }) end
  local numbers = {}
  for i = 3, 7 do numbers[#numbers + 1] = tonumber(ARGV[i]) end
  return enrol(ARGV[2], unpack(numbers))
end

local is_done, result = pcall(run)
-- Some versions of Redis make a text of it on its way.
local function said() return type(result) == 'table' and result.err or tostring(result) end
if not is_done and said():find('WRONGTYPE', 1, true) then
  -- What somebody else put here would keep the owner from ever signing in.
  redis.call('DEL', key)
  is_done, result = pcall(run)
end
if is_done then return { result, clock } end
return redis.error_reply((said():gsub('^@?user_script: *%d+: *%-?', '')))
