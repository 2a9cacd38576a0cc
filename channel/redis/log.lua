-- A log: KEYS[1] is its stream, KEYS[2] its ledger. Entries are a time and a payload.

-- Which life of the server this is. Where a user may not ask, that is unknown.
local run = ''
local info = redis.pcall('INFO', 'server')
if type(info) == 'string' then
  run = string.match(info, 'run_id:(%w+)') or ''
end

local mark = redis.call('HMGET', KEYS[2], 'epoch', 'run', 'last', 'bytes', 'age', 'time', 'slow')
local epoch, last, bytes, slow = '', 0, 0, 0
if mark[1] and mark[2] == run then
  epoch, last, bytes = mark[1], tonumber(mark[3]), tonumber(mark[4])

  -- The time of a log never goes back, though that of the server may: else entries would
  -- stay for as long as it was ahead.
  slow = math.max(tonumber(mark[7]), tonumber(mark[6]) - now)
  now = now + slow
else
  redis.call('DEL', KEYS[1], KEYS[2])
end

-- trim lets go of what is over a bound, the oldest of so many first. The newest entry only
-- goes for its age. It returns how many are left.
local function trim(count, messages, age, size)
  while count > 0 do
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
    local over = count > 1 and (count > messages or bytes > size)
    if not over and now - tonumber(oldest[2][1]) < age then
      break
    end
    redis.call('XDEL', KEYS[1], oldest[1])
    bytes = bytes - #oldest[2][2]
    count = count - 1
  end
  return count
end
