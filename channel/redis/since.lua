
-- ARGV: epoch and offset of a position, most entries. It returns the epoch, the first
-- and the last offset, and the entries behind the position.

if epoch == '' then
  return {'', '1', '0', {}}
end
local before, count = bytes, redis.call('XLEN', KEYS[1])
count = trim(count, math.huge, tonumber(mark[5]), math.huge)
if bytes ~= before then
  redis.call('HSET', KEYS[2], 'bytes', digits(bytes))
end
local first = digits(last + 1)
if count > 0 then
  first = string.match(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1], '%d+')
end
local entries = {}
if tonumber(ARGV[3]) > 0 and (ARGV[1] == '' or ARGV[1] == epoch) then
  entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
end
return {epoch, first, digits(last), entries}
