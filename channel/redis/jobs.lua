-- Jobs: KEYS[1] is their stream, with a group whose pending entries are the jobs that
-- somebody holds or that pause. KEYS[2] is the set of those by when they may be taken,
-- by this server's clock, KEYS[3] the mark of that. There is one consumer: who holds a job is told apart by how
-- often it was taken.

local GROUP, CONSUMER = 'workers', 'worker'

local function free(id, pause)
  redis.call('ZADD', KEYS[2], digits(now + tonumber(pause)), id)
  note(KEYS[3])
end

-- adopt has jobs pause of which no time is known any more: the set was lost.
local function adopt(hold)
  local pending = redis.call('XPENDING', KEYS[1], GROUP)[1]
  if pending <= redis.call('ZCARD', KEYS[2]) then
    return
  end
  for _, job in ipairs(redis.call('XPENDING', KEYS[1], GROUP, '-', '+', pending)) do
    if not redis.call('ZSCORE', KEYS[2], job[1]) then
      free(job[1], hold)
    end
  end
end

-- takes returns how often a job was taken, or nil if it is none that is held or pauses.
local function takes(id)
  local pending = redis.pcall('XPENDING', KEYS[1], GROUP, id, id, 1)
  if pending.err or not pending[1] then
    return nil
  end
  return pending[1][4]
end

-- take returns {id, takes, payload} of each job, or in how many milliseconds there may
-- be one; -1 means that nobody holds any.
local function take(limit, hold)
  redis.pcall('XGROUP', 'CREATE', KEYS[1], GROUP, '0', 'MKSTREAM')
  follow(KEYS[3], KEYS[2])
  local taken = {}
  local function add(entry)
    free(entry[1], hold)
    taken[#taken + 1] = {entry[1], takes(entry[1]), entry[2][2]}
  end
  local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', digits(now),
    'LIMIT', 0, limit)
  for _, id in ipairs(due) do
    local entry = redis.call('XCLAIM', KEYS[1], GROUP, CONSUMER, 0, id)[1]
    if entry then
      add(entry)
    else
      redis.call('ZREM', KEYS[2], id)
      redis.call('XACK', KEYS[1], GROUP, id)
    end
  end
  local left = tonumber(limit) - #taken
  if left > 0 then
    local new = redis.call('XREADGROUP', 'GROUP', GROUP, CONSUMER, 'COUNT', left,
      'STREAMS', KEYS[1], '>')
    for _, entry in ipairs(new and new[1][2] or {}) do
      add(entry)
    end
  end
  if #taken > 0 then
    return taken
  end
  adopt(hold)
  local next = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  return next and math.max(tonumber(next) - now, 0) or -1
end

-- ours reports whether a job is still in the hands of who has taken it so often.
local function ours(id, count)
  return takes(id) == tonumber(count)
end

local function pause(id, count, length)
  if not ours(id, count) then
    return 0
  end
  free(id, length)
  return 1
end

local function done(id, count)
  if not ours(id, count) then
    return 0
  end
  redis.call('XACK', KEYS[1], GROUP, id)
  redis.call('XDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  return 1
end
