-- Leases: KEYS[1] is the set of owners by the time when their lease runs out, KEYS[2] the
-- mark of the clock. ARGV[1] and ARGV[2] begin the names of the hashes of an owner's records, by "SUBJECT KEY",
-- and of a subject's, by "OWNER KEY". No subject, owner or key has a space in it.

local function of(owner) return ARGV[1] .. owner end
local function here(subject) return ARGV[2] .. subject end

local function ends(owner)
  return tonumber(redis.call('ZSCORE', KEYS[1], owner) or 0)
end

-- The field of an owner's records that says in which life of the server they began.
local RUN = '@run'

local function run()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then
    return '' -- the user may not ask
  end
  return string.match(info, 'run_id:(%w+)') or ''
end

local function wipe(owner)
  for _, field in ipairs(redis.call('HKEYS', of(owner))) do
    local subject, key = string.match(field, '^(%S+) (.*)$')
    if subject then
      redis.call('HDEL', here(subject), owner .. ' ' .. key)
    end
  end
  redis.call('DEL', of(owner))
end

local function renew(owner, life)
  local state = 'new'
  local run = run()
  follow(KEYS[2], KEYS[1])
  if ends(owner) > now then
    state = 'kept'
    if redis.call('HGET', of(owner), RUN) ~= run then
      state = 'forgotten'
    end
  end
  if state ~= 'kept' then
    wipe(owner)
    redis.call('HSET', of(owner), RUN, run)
  end
  redis.call('ZADD', KEYS[1], digits(now + tonumber(life)), owner)
  note(KEYS[2])
  return state
end

local function enter(owner)
  if ends(owner) <= now then
    return 0
  end
  for i = 4, #ARGV, 3 do
    redis.call('HSET', of(owner), ARGV[i] .. ' ' .. ARGV[i + 1], ARGV[i + 2])
    redis.call('HSET', here(ARGV[i]), owner .. ' ' .. ARGV[i + 1], ARGV[i + 2])
  end
  return 1
end

local function exit(owner)
  for i = 4, #ARGV, 2 do
    redis.call('HDEL', of(owner), ARGV[i] .. ' ' .. ARGV[i + 1])
    redis.call('HDEL', here(ARGV[i]), owner .. ' ' .. ARGV[i + 1])
  end
  return 1
end

local function present(subject)
  local all = redis.call('HGETALL', here(subject))
  local lives, records = {}, {}
  for i = 1, #all, 2 do
    local owner, key = string.match(all[i], '^(%S+) (.*)$')
    if owner and lives[owner] == nil then
      lives[owner] = ends(owner) > now
    end
    if owner and lives[owner] then
      records[#records + 1] = key
      records[#records + 1] = all[i + 1]
    end
  end
  return records
end

local function lapsed()
  follow(KEYS[2], KEYS[1])
  local owners = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', digits(now))
  local all = {}
  for _, owner in ipairs(owners) do
    local one, records = {owner}, redis.call('HGETALL', of(owner))
    for i = 1, #records, 2 do
      if records[i] ~= RUN then
        one[#one + 1] = records[i]
        one[#one + 1] = records[i + 1]
      end
    end
    all[#all + 1] = one
  end
  return all
end

local function drop(owner)
  wipe(owner)
  redis.call('ZREM', KEYS[1], owner)
  if redis.call('ZCARD', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
  end
  return 1
end

local function forget(owner)
  if redis.call('ZSCORE', KEYS[1], owner) and ends(owner) <= now then
    drop(owner)
  end
  return 1
end
