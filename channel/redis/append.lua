
-- ARGV: an epoch that never was, payload, most messages, greatest age in milliseconds,
-- most bytes, the command that publishes. It returns the position.

if epoch == '' then
  epoch = ARGV[1]
end
local count = redis.call('XLEN', KEYS[1])
if count == 0 then
  bytes = 0 -- the entries may have been evicted, and the ledger not
end
last = last + 1
bytes = bytes + #ARGV[2]
redis.call('XADD', KEYS[1], digits(last) .. '-0', digits(now), ARGV[2])
trim(count + 1, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
redis.call('HSET', KEYS[2], 'epoch', epoch, 'run', run, 'last', digits(last),
  'bytes', digits(bytes), 'age', ARGV[4], 'time', digits(now), 'slow', digits(slow))

-- The ledger stays for a day longer than the entries, so that a log that was quiet
-- goes on in its epoch.
local age = tonumber(ARGV[4])
if age < 1e12 then -- more than thirty years are for ever
  redis.call('PEXPIRE', KEYS[1], digits(age))
  redis.call('PEXPIRE', KEYS[2], digits(age + 86400000))
else
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
end

local position = epoch .. ':' .. digits(last)
redis.call(ARGV[6], KEYS[1], position .. ' ' .. ARGV[2])
return position
