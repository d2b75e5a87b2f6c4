/**
 * The generic cell rate algorithm in its form of a leaky meter: the two are the same (ITU-T I.371, annex A). What was taken
 * stands in a level that leaks with time; a cost fits while it keeps the level within the limit. So no interval of `t` lets
 * through more than `limit + limit × t / windowMs`. Everything is whole: a unit is `windowMs` of level, and `limit` of it leaks a
 * millisecond. `limit × windowMs` stays below 2^53, so nothing is ever rounded. Pure; the Lua script in `scripts.ts` says the same.
 */
export interface Rate {
  /** Units a window, and at once. */
  readonly limit: number
  readonly windowMs: number
}

/** The level that is left of `level`, which stood at `at`. A clock that steps back leaks nothing. */
export function leak(level: number, elapsedMs: number, { limit }: Rate): number {
  return elapsedMs <= 0 ? level : Math.max(0, level - elapsedMs * limit)
}

/** A cost above the limit would never fit: it counts as the limit, and waits for an empty level. */
export function costWithin(cost: number, { limit }: Pick<Rate, 'limit'>): number {
  return Math.min(cost, limit)
}

/** Whether `cost` units may be taken now. What costs nothing always may. */
export function fits(level: number, rate: Rate, cost: number): boolean {
  return cost === 0 || level <= (rate.limit - cost) * rate.windowMs
}

/** The least whole milliseconds after which `cost` fits. */
export function waitMs(level: number, rate: Rate, cost: number): number {
  return cost === 0 ? 0 : Math.max(0, Math.ceil((level - (rate.limit - cost) * rate.windowMs) / rate.limit))
}

/** The level after `units` more, or fewer. What is over the limit is owed, at most ten windows of it. */
export function moved(level: number, rate: Rate, units: number): number {
  return Math.min(Math.max(0, level + units * rate.windowMs), levelMax(rate))
}

/** Whole units that would fit now. */
export function remaining(level: number, { limit, windowMs }: Rate): number {
  return Math.max(0, Math.floor((limit * windowMs - level) / windowMs))
}

/** Until nothing is taken any more. */
export function resetMs(level: number, { limit }: Rate): number {
  return Math.ceil(level / limit)
}

function levelMax({ limit, windowMs }: Rate): number {
  return Math.min(owedWindowsMax * limit * windowMs, 9e15)
}

export const owedWindowsMax = 10
