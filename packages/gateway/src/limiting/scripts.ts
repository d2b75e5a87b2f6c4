/**
 * The engine of `gcra.ts` for Redis, where numbers are doubles as here. A rate is a hash `level`, `at`; places are a sorted set of
 * seats by the time at which they lapse. `ARGV[1]` is the time in whole milliseconds, empty for Redis's own clock: the same for
 * every node. Numbers are written by `%.0f`: Lua's own way keeps fourteen digits.
 */
const prelude = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function whole(number) return string.format('%.0f', number) end
local function read(key, limit)
  local state = redis.call('HMGET', key, 'level', 'at')
  local level, at = tonumber(state[1] or 0), tonumber(state[2] or 0)
  local elapsed = now - at
  if elapsed > 0 then level = math.max(0, level - elapsed * limit) end
  return level, math.max(at, now)
end
local function write(key, level, at, limit)
  if level <= 0 then redis.call('DEL', key) return end
  redis.call('HSET', key, 'level', whole(level), 'at', whole(at))
  redis.call('PEXPIRE', key, whole(math.ceil(level / limit) + 1000))
end
`

/**
 * Takes every bucket of a request or none. `ARGV`: time, seat, life of a seat in ms, then for each key `windowMs` (0: places),
 * `limit`, `cost` (already within the limit). Answers `{ taken, level… }`: as found when nothing was taken.
 */
export const takeScript = `${prelude}
local levels, ats, taken = {}, {}, 1
for i, key in ipairs(KEYS) do
  local window, limit, cost = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  if window == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
    levels[i] = redis.call('ZCARD', key)
    if levels[i] >= limit then taken = 0 end
  else
    levels[i], ats[i] = read(key, limit)
    if cost > 0 and levels[i] > (limit - cost) * window then taken = 0 end
  end
end
if taken == 1 then
  for i, key in ipairs(KEYS) do
    local window, limit, cost = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
    if window == 0 then
      redis.call('ZADD', key, whole(now + tonumber(ARGV[3])), ARGV[2])
      redis.call('PEXPIRE', key, ARGV[3])
      levels[i] = levels[i] + 1
    else
      levels[i] = math.min(levels[i] + cost * window, 10 * limit * window, 9e15)
      write(key, levels[i], ats[i], limit)
    end
  end
end
return { taken, unpack(levels) }
`

/** Ends a request. `ARGV`: time, seat, then for each key `windowMs` (0: places), `limit`, units more or fewer. */
export const endScript = `${prelude}
for i, key in ipairs(KEYS) do
  local window, limit, units = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  if window == 0 then
    redis.call('ZREM', key, ARGV[2])
  else
    local level, at = read(key, limit)
    write(key, math.min(math.max(0, level + units * window), 10 * limit * window, 9e15), at, limit)
  end
end
return 1
`

/** Says that seats are still in use. `ARGV`: time, life of a seat in ms, then the seat of each key. */
export const renewScript = `${prelude}
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, whole(now + tonumber(ARGV[2])), ARGV[i + 2])
  redis.call('PEXPIRE', key, ARGV[2])
end
return 1
`
