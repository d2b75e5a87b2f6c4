import { type Check, isObject, wholeBetween } from './checks.ts'

/** Bounds of one key, user or organisation. A part that is absent is not limited. */
export interface RateLimit {
  readonly requestsPerMinute?: number
  /** Input and output together. */
  readonly tokensPerMinute?: number
  /** Requests at once. */
  readonly concurrency?: number
}

/** The largest number that a part takes: beyond it nothing is limited. Levels of a minute stay exact in a double. */
export const ratePartMax = 1_000_000_000

const isPart = wholeBetween(1, ratePartMax)
const parts = new Set(['requestsPerMinute', 'tokensPerMinute', 'concurrency'])

export const isRateLimit: Check<RateLimit> = (found): found is RateLimit =>
  isObject(found) && Object.entries(found).every(([name, value]) => parts.has(name) && isPart(value))

/** Any names that lead to values that fit; at most `mapMembersMax`. */
export function isMapOf<Value>(fits: Check<Value>): Check<Readonly<Record<string, Value>>> {
  return (found): found is Readonly<Record<string, Value>> =>
    isObject(found) &&
    Object.keys(found).length <= mapMembersMax &&
    Object.entries(found).every(([name, value]) => name !== '' && fits(value))
}

const mapMembersMax = 1_000

/** `[all requests, successful requests]` of a duration; 0: not limited. */
export type RequestCounts = readonly [total: number, success: number]

export const isRequestCounts: Check<RequestCounts> = (found): found is RequestCounts =>
  Array.isArray(found) && found.length === 2 && found.every(isRequestCount)

/** Times the milliseconds of a day it is still exact in a double. */
export const requestCountMax = 100_000_000
const isRequestCount = wholeBetween(0, requestCountMax)

export const rateLimitWords =
  '{ requestsPerMinute, tokensPerMinute, concurrency }, each a whole number from 1 to 1000000000 or absent'
