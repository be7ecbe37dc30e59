-- Changes entries of one record, if those that have a base still have its value.
--
-- KEYS[1]  the record: entries of a byte and the key, four bytes and the value
-- ARGV[1]  how many seconds it is kept
-- ARGV[2..] three for each entry: key, base ('' for any), new value
--
-- Answers 1 if it is done, 0 if not.

local record = redis.call('GET', KEYS[1])
if not record then return 0 end

local change = {}
for i = 2, #ARGV, 3 do change[ARGV[i]] = i end

local parts, at = {}, 1
while at <= #record do
  local value_at = at + 5 + record:byte(at)
  local stop = value_at + struct.unpack('>I4', record, value_at - 4)
  local i = change[record:sub(at + 1, value_at - 5)]
  if not i then
    parts[#parts + 1] = record:sub(at, stop - 1)
  elseif ARGV[i + 1] ~= '' and ARGV[i + 1] ~= record:sub(value_at, stop - 1) then
    return 0
  end
  at = stop
end
for i = 2, #ARGV, 3 do
  parts[#parts + 1] = string.char(#ARGV[i]) .. ARGV[i] .. struct.pack('>I4', #ARGV[i + 2]) .. ARGV[i + 2]
end
redis.call('SET', KEYS[1], table.concat(parts), 'EX', ARGV[1])
return 1
