-- The time of this server in milliseconds, before all that needs it.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function digits(number)
  return string.format('%.0f', number)
end

-- note leaves a mark of when the clock was looked at last.
local function note(mark)
  redis.call('SET', mark, digits(now), 'PX', 86400000)
end

-- It may go back: it was wrong, or this server took over from another one that was
-- ahead. What is to end or to begin at a time would do so later by that much, so the times
-- of a set go back as well.
local function follow(mark, times)
  local ahead = tonumber(redis.call('GET', mark) or 0) - now
  local all = redis.call('ZRANGE', times, 0, ahead > 1000 and -1 or 0, 'WITHSCORES')
  if #all == 0 then
    return
  end
  if ahead > 1000 then
    for i = 1, #all, 2 do
      redis.call('ZADD', times, digits(tonumber(all[i + 1]) - ahead), all[i])
    end
  end
  note(mark)
end

