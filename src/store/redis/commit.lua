-- Applies one delta to one record, as session/law.rs does.
--
-- KEYS[1]  the record
-- ARGV[1]  what to do: 'create', 'destroy', 'change' or 'rotate'
-- ARGV[2]  nonce of the delta
-- ARGV[3]  not after: the time of this server, in Unix milliseconds, when nobody waits any more
--
-- create:  ARGV[4] the record, ARGV[5] its time to live in milliseconds
-- destroy: ARGV[4] now, ARGV[5] the tombstone's time to live
-- rotate:  ARGV[4] '>I8I8I8I4I8I8I8c32c32c32': now, when the session was used (0: this is no use),
--          loaded, epoch, grace, how long the past is remembered, slack, from, to, sealed
-- change:  ARGV[4] '>I8I8I8I4I8BBI8I8I8I8I8': now, used, loaded, epoch, longest length, clear, persistence
--          (0 no, 1 yes, 2 unchanged), idle and absolute limit, slack, grace, when the account of its
--          owner says that the session ends at last (0: it has none, or says so already)
--          ARGV[5] '' or the new verifier and the time of authentication (0: unchanged)
--          ARGV[6] '' or the verifier that this presents
--          ARGV[7] '' or, if this is repeated, the nonce that it knows
--          ARGV[8..] three for each entry: what to do and its key, its base, its value
--
-- Answers what came of it, the time of this server, and where there is a conflict the record.
-- There is no shebang, so that a log-out works when Redis is out of memory. What Redis says against
-- a command is passed on: before version 7 a script that fails hides the code behind words of its own.

local COMMITTED, GONE, SUPERSEDED, CONFLICT, UNKNOWN, LATE, UNREADABLE = 0, 1, 2, 3, 4, 5, 6
local RENEWAL, ROTATION = 1, 2
local HEADER, HEADER_LEN = '>BBBBI4c32c32c32I8I8c8I8I8I8I8I8', 168
local ERASED = string.rep('\0', 32)
-- No limit is longer, whatever a record says.
local CENTURY = 36525 * 24 * 60 * 60 * 1000

local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local function answer(what, record) return { what, clock, record } end
local function failed(reply)
  if type(reply) ~= 'table' or not reply.err then return false end
  reply.err = reply.err:gsub('^@?user_script: *%d+: *%-?', '')
  return true
end

if clock > tonumber(ARGV[3]) then return answer(LATE) end

local key, verb, nonce = KEYS[1], ARGV[1], ARGV[2]
local record = redis.pcall('GET', key)
if failed(record) then
  if record.err:find('WRONGTYPE', 1, true) then return answer(UNREADABLE) end
  return record
end

local function put(record, time_to_live)
  local reply = redis.pcall('SET', key, record, 'PX', time_to_live)
  return failed(reply) and reply or answer(COMMITTED)
end

if not record then
  if verb == 'create' then return put(ARGV[4], ARGV[5]) end
  return answer(GONE)
end

local first = record:byte(1) or 0
if first > 1 and first < 32 then
  return redis.error_reply('NEWER a session record of a later version')
end
if #record < HEADER_LEN or first ~= 1 then return answer(UNREADABLE) end

local version, destroyed, replaced_by, persistent, epoch, verifier, previous, sealed, replaced,
  presented, last_nonce, created, authenticated, touched, idle, absolute = struct.unpack(HEADER, record)

idle, absolute = math.min(idle, CENTURY), math.min(absolute, CENTURY)

if destroyed > 1 or replaced_by > 2 or persistent > 1 then return answer(UNREADABLE) end

-- What is repeated is written again: who waits for replicas waits for what this connection wrote.
if verb == 'create' then
  return last_nonce == nonce and put(record, ARGV[5]) or answer(SUPERSEDED)
end

if destroyed == 1 then
  if verb ~= 'destroy' or last_nonce ~= nonce then return answer(GONE) end
  redis.pcall('SET', key, record, 'PX', ARGV[5])
  return answer(COMMITTED)
end

local function header()
  return struct.pack(HEADER, version, destroyed, replaced_by, persistent, epoch, verifier, previous,
    sealed, replaced, presented, nonce, created, authenticated, touched, idle, absolute)
end

if verb == 'destroy' then
  destroyed = 1
  touched = math.max(touched, tonumber(ARGV[4]))
  -- Out of memory Redis refuses `SET`, but not `DEL`; and what has begun to write may go on.
  local reply = redis.pcall('DEL', key)
  if failed(reply) then return reply end
  redis.pcall('SET', key, header(), 'PX', ARGV[5])
  return answer(COMMITTED)
end

local function is_over(now, loaded)
  return touched + idle <= loaded or math.max(created, authenticated) + absolute <= now
end

local function counts(now, grace)
  return replaced_by == ROTATION and (presented == 0 or now < presented + grace)
end

local function store(record, now, slack)
  local deadline = math.min(touched + idle, math.max(created, authenticated) + absolute)
  return put(record, math.min(math.max(deadline - now, 0), CENTURY) + slack)
end

if verb == 'rotate' then
  local now, used, loaded, base_epoch, grace, remembered, slack, from, to, new_sealed =
    struct.unpack('>I8I8I8I4I8I8I8c32c32c32', ARGV[4])
  if last_nonce == nonce then return store(record, now, slack) end
  if epoch ~= base_epoch then return answer(SUPERSEDED) end
  if is_over(now, loaded) then return answer(GONE) end
  if replaced_by == ROTATION and presented == 0 and verifier == to and previous == from then
    return store(record, now, slack)
  end
  local is_settling = counts(now, grace)
    or (replaced_by == RENEWAL and now < replaced + remembered)
  if verifier ~= from or is_settling then return answer(SUPERSEDED) end
  replaced_by, previous, replaced, sealed, presented = ROTATION, verifier, now, new_sealed, 0
  verifier = to
  touched = math.max(touched, used)
  return store(header() .. record:sub(HEADER_LEN + 1), now, slack)
end

local now, used, loaded, base_epoch, max_len, clear, new_persistent, new_idle, new_absolute, slack,
  grace, listed_until = struct.unpack('>I8I8I8I4I8BBI8I8I8I8I8', ARGV[4])
local renewal, presents, known = ARGV[5], ARGV[6], ARGV[7]
local FIRST_ENTRY = 8

if last_nonce == nonce or (renewal ~= '' and renewal:sub(1, 32) == verifier) then
  return store(record, now, slack)
end
if known ~= '' and known ~= last_nonce then return answer(UNKNOWN) end
if epoch ~= base_epoch then return answer(SUPERSEDED) end
if is_over(now, loaded) then return answer(GONE) end

-- The first letter of an entry argument: s set, r remove; upper-case if the base is compared.
-- The base of a compared entry is '' for absent, else '=' and its value.
local is_changed, base_of = {}, {}
for i = FIRST_ENTRY, #ARGV, 3 do
  local entry_key = ARGV[i]:sub(2)
  is_changed[entry_key] = true
  if ARGV[i]:byte(1) < 97 then base_of[entry_key] = ARGV[i + 1] end
end

local function is_text(bytes)
  if not bytes:find('[\128-\255]') then return true end
  -- What begins a character of UTF-8 with more than one byte, but for the last one.
  local beginnings = { '[\194-\223]', '\224[\160-\191]', '[\225-\236\238\239][\128-\191]',
    '\237[\128-\159]', '\240[\144-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191]',
    '\244[\128-\143][\128-\191]' }
  for _, beginning in ipairs(beginnings) do bytes = bytes:gsub(beginning .. '[\128-\191]', '?') end
  return not bytes:find('[\128-\255]')
end

local parts, len, at = {''}, HEADER_LEN, HEADER_LEN + 1
local kept_from, conflicts = at, false
local function keep_until(stop)
  if kept_from < stop then
    parts[#parts + 1] = record:sub(kept_from, stop - 1)
    len = len + stop - kept_from
  end
end

while at <= #record do
  local key_len = record:byte(at)
  local value_at = at + 5 + key_len
  if key_len == 0 or value_at > #record + 1 then return answer(UNREADABLE) end
  local stop = value_at + struct.unpack('>I4', record, value_at - 4)
  local entry_key = record:sub(at + 1, at + key_len)
  if stop > #record + 1 or not is_text(entry_key) then return answer(UNREADABLE) end
  local base = base_of[entry_key]
  if base then
    conflicts = conflicts or base ~= '=' .. record:sub(value_at, stop - 1)
    -- Should a damaged record have a key twice, the first entry is the one that is read.
    base_of[entry_key] = nil
  end
  if is_changed[entry_key] or (clear == 1 and record:byte(at + 1) ~= 64) then
    keep_until(at)
    kept_from = stop
  end
  at = stop
end
keep_until(at)
for _, base in pairs(base_of) do conflicts = conflicts or base ~= '' end
if conflicts then return answer(CONFLICT, record) end

for i = FIRST_ENTRY, #ARGV, 3 do
  local verb_of_entry = ARGV[i]:byte(1)
  if verb_of_entry == 115 or verb_of_entry == 83 then
    local entry = string.char(#ARGV[i] - 1) .. ARGV[i]:sub(2) .. struct.pack('>I4', #ARGV[i + 2]) .. ARGV[i + 2]
    parts[#parts + 1] = entry
    len = len + #entry
  end
end
if len > max_len and len > #record then return answer(CONFLICT, record) end

touched = math.max(touched, used)
if new_persistent ~= 2 then
  persistent, idle, absolute = new_persistent, new_idle, new_absolute
end
if replaced_by == ROTATION then
  if not counts(now, grace) then sealed = ERASED end
  if presented == 0 and presents == verifier then presented = now end
end
if renewal ~= '' then
  local new_verifier, signed_in = struct.unpack('>c32I8', renewal)
  replaced_by, previous, replaced, sealed, presented = RENEWAL, verifier, now, ERASED, 0
  epoch, verifier = (epoch + 1) % 4294967296, new_verifier
  if signed_in > 0 then authenticated = signed_in end
end

if listed_until > 0 and math.max(created, authenticated) + absolute > listed_until then
  return answer(CONFLICT, record)
end

parts[1] = header()
return store(table.concat(parts), now, slack)
