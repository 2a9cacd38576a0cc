-- Leases: KEYS[1] is the set of owners by the time when their lease runs out, KEYS[2] the
-- mark of the clock. KEYS[3] has all records of all owners: a server that lets go of keys
-- lets go of all of them or of none, and each owner finds out by one look. It is a sorted
-- set of one score, hence in the order of its members, of which there are three kinds:
--
--   @ OWNER RUN EDITION LIFE     what records hang on
--   o OWNER SUBJECT KEY          a record, among those of its owner
--   s SUBJECT OWNER KEY VALUE    the same, among those of its subject
--
-- No owner, subject or key has a space in it, so all that begin with the same words are
-- next to each other.
local function each(command, words, ...)
  return redis.call(command, KEYS[3], '[' .. words .. ' ', '(' .. words .. '!', ...)
end

local function add(member)
  return redis.call('ZADD', KEYS[3], 0, member)
end

-- A server that has no room refuses what may take some, unless a script has written
-- before. Whoever is there already takes none.
local function takesNoRoom()
  redis.call('PERSIST', KEYS[1])
end

local function ends(owner)
  return tonumber(redis.call('ZSCORE', KEYS[1], owner) or 0)
end

-- Which life of the server this is.
local function run()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then
    return '-' -- the user may not ask
  end
  return string.match(info, 'run_id:(%w+)') or '-'
end

-- sign notes what an owner's records hang on. An edition is of the owner's process: it
-- rises with what is written, and whoever has forgotten some of it has an older one.
local function sign(owner, run, edition, life)
  each('ZREMRANGEBYLEX', '@ ' .. owner)
  add('@ ' .. owner .. ' ' .. run .. ' ' .. edition .. ' ' .. life)
end

-- signed returns the same, or nothing.
local function signed(owner)
  local sign = each('ZRANGEBYLEX', '@ ' .. owner, 'LIMIT', 0, 1)[1]
  if sign then
    return string.match(sign, '^@ [^ ]+ ([^ ]+) (%d+) (%d+)$')
  end
end

local function advance(owner, edition)
  local run, has, life = signed(owner)
  if run and tonumber(edition) > tonumber(has) then
    sign(owner, run, edition, life)
  end
end

local function remove(owner, subject, key)
  each('ZREMRANGEBYLEX', 's ' .. subject .. ' ' .. owner .. ' ' .. key)
  redis.call('ZREM', KEYS[3], 'o ' .. owner .. ' ' .. subject .. ' ' .. key)
end

local function wipe(owner)
  for _, record in ipairs(each('ZRANGEBYLEX', 'o ' .. owner)) do
    remove(owner, string.match(record, '^o [^ ]+ ([^ ]+) ([^ ]+)$'))
  end
  each('ZREMRANGEBYLEX', '@ ' .. owner)
end

local function renew(owner, life, edition)
  takesNoRoom()
  local state, run = 'new', run()
  follow(KEYS[2], KEYS[1])
  local before, has, granted = signed(owner)
  if ends(owner) > now then
    state = 'forgotten'
    if before == run and tonumber(has) >= tonumber(edition) then
      state = 'kept'
    end
  end
  if state ~= 'kept' then
    wipe(owner)
    sign(owner, run, edition, life)
  elseif granted ~= life then
    sign(owner, run, has, life)
  end
  redis.call('ZADD', KEYS[1], digits(now + tonumber(life)), owner)
  note(KEYS[2])
  return state
end

local function enter(owner, edition)
  if not signed(owner) or ends(owner) <= now then
    return 0
  end
  for i = 3, #ARGV, 3 do
    local subject, key = ARGV[i], ARGV[i + 1]
    if add('o ' .. owner .. ' ' .. subject .. ' ' .. key) == 0 then
      each('ZREMRANGEBYLEX', 's ' .. subject .. ' ' .. owner .. ' ' .. key)
    end
    add('s ' .. subject .. ' ' .. owner .. ' ' .. key .. ' ' .. ARGV[i + 2])
  end
  advance(owner, edition)
  return 1
end

local function exit(owner, edition)
  for i = 3, #ARGV, 2 do
    remove(owner, ARGV[i], ARGV[i + 1])
  end
  advance(owner, edition)
  return 1
end

local function present(subject)
  local lives, records = {}, {}
  for _, record in ipairs(each('ZRANGEBYLEX', 's ' .. subject)) do
    local owner, key, value = string.match(record, '^s [^ ]+ ([^ ]+) ([^ ]+) (.*)$')
    if owner and lives[owner] == nil then
      lives[owner] = ends(owner) > now
    end
    if owner and lives[owner] then
      records[#records + 1] = key
      records[#records + 1] = value
    end
  end
  return records
end

-- adopt has leases run out of which no time is known any more: who lives renews before.
local function adopt()
  if redis.call('ZLEXCOUNT', KEYS[3], '[@ ', '(@!') <= redis.call('ZCARD', KEYS[1]) then
    return
  end
  for _, sign in ipairs(each('ZRANGEBYLEX', '@')) do
    local owner, life = string.match(sign, '^@ ([^ ]+) [^ ]+ %d+ (%d+)$')
    if owner and not redis.call('ZSCORE', KEYS[1], owner) then
      redis.call('ZADD', KEYS[1], digits(now + tonumber(life)), owner)
    end
  end
end

local function lapsed()
  takesNoRoom()
  adopt()
  follow(KEYS[2], KEYS[1])
  local all = {}
  for _, owner in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', digits(now))) do
    local one = {owner}
    for _, record in ipairs(each('ZRANGEBYLEX', 'o ' .. owner)) do
      local subject, key = string.match(record, '^o [^ ]+ ([^ ]+) ([^ ]+)$')
      local words = 's ' .. subject .. ' ' .. owner .. ' ' .. key
      local whole = each('ZRANGEBYLEX', words)[1]
      if whole then
        one[#one + 1] = subject
        one[#one + 1] = key
        one[#one + 1] = string.sub(whole, #words + 2)
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
