import { compilePatterns } from '@yumen/pricing'
import type { RateLimit } from '#config'
import type { Bucket, LimitedCaller, LimitOptions, Scope } from './types.ts'

/** The options as they are asked: compiled once for each snapshot of them. */
export interface Rules {
  /** Whether only a key's own limits can apply. */
  readonly isEmpty: boolean
  /** Limits of a caller that asks for `model`; the same array for the same caller and pattern. */
  bucketsOf(caller: LimitedCaller, model: string): readonly Bucket[]
}

interface ModelRule {
  readonly pattern: string
  readonly limit: RateLimit
}

const minuteMs = 60_000

export function compileRules(options: LimitOptions): Rules {
  const ofModel = compileModels(options['limits.userModel'])
  const ofModelByGroup = new Map(
    Object.entries(options['limits.userModelByGroup']).map(([group, rules]) => [group, compileModels(rules)]),
  )
  const known = new WeakMap<
    LimitedCaller,
    { readonly base: readonly Bucket[]; readonly byPattern: Map<string, readonly Bucket[]> }
  >()

  function ofCaller(caller: LimitedCaller) {
    const found = known.get(caller)
    if (found !== undefined) return found
    const made = { base: baseBuckets(options, caller), byPattern: new Map<string, readonly Bucket[]>() }
    known.set(caller, made)
    return made
  }

  return {
    isEmpty: isEmpty(options),
    bucketsOf(caller, model) {
      const { base, byPattern } = ofCaller(caller)
      const rule = (ofModelByGroup.get(caller.userGroup) ?? ofModel)(model)
      if (rule === undefined) return base
      const cached = byPattern.get(rule.pattern)
      if (cached !== undefined) return cached
      const buckets = [...base, ...modelBuckets(caller, rule)]
      byPattern.set(rule.pattern, buckets)
      return buckets
    },
  }
}

function isEmpty(options: LimitOptions): boolean {
  const { 'limits.modelRequestsEnabled': countsRequests, ...others } = options
  const limiting = [
    others['limits.user'],
    others['limits.userByGroup'],
    others['limits.organisation'],
    others['limits.organisationByGroup'],
    others['limits.userModel'],
    others['limits.userModelByGroup'],
  ]
  return !countsRequests && limiting.every(each => Object.keys(each).length === 0)
}

function compileModels(rules: Readonly<Record<string, RateLimit>>): (model: string) => ModelRule | undefined {
  return compilePatterns(Object.entries(rules).map(([pattern, limit]) => [pattern, { pattern, limit }]))
}

function baseBuckets(options: LimitOptions, caller: LimitedCaller): readonly Bucket[] {
  const { organisation } = caller
  const ofUser = own(options['limits.userByGroup'], caller.userGroup) ?? options['limits.user']
  const ofOrganisation =
    organisation &&
    (own(options['limits.organisationByGroup'], organisation.group) ?? options['limits.organisation'])
  return [
    ...bucketsFor(
      { scope: 'key', name: `key:${caller.id}`, subject: `the API key "${caller.name}"` },
      caller.rateLimit,
    ),
    ...bucketsFor(
      { scope: 'user', name: `user:${caller.userId}`, subject: `the user "${caller.username}"` },
      ofUser,
    ),
    ...bucketsFor(
      { scope: 'organisation', name: `organisation:${organisation?.id}`, subject: 'the organisation' },
      ofOrganisation,
    ),
    ...requestCountBuckets(options, caller),
  ]
}

function modelBuckets(caller: LimitedCaller, { pattern, limit }: ModelRule): readonly Bucket[] {
  const name = `user:${caller.userId}:model:${pattern}`
  const subject = `the user "${caller.username}"`
  return bucketsFor({ scope: 'user_model', name, subject, models: pattern }, limit)
}

interface Whose {
  readonly scope: Scope
  readonly name: string
  readonly subject: string
  readonly models?: string
}

function bucketsFor({ name, scope, subject, models }: Whose, limit: RateLimit | undefined): Bucket[] {
  const buckets: Bucket[] = []
  const whose = { scope, subject, models }
  const { requestsPerMinute, tokensPerMinute, concurrency } = limit ?? {}
  if (requestsPerMinute !== undefined) {
    buckets.push({
      ...whose,
      kind: 'rate',
      name: `${name}:requests`,
      unit: 'requests',
      limit: requestsPerMinute,
      windowMs: minuteMs,
    })
  }
  if (tokensPerMinute !== undefined) {
    buckets.push({
      ...whose,
      kind: 'rate',
      name: `${name}:tokens`,
      unit: 'tokens',
      limit: tokensPerMinute,
      windowMs: minuteMs,
    })
  }
  if (concurrency !== undefined) {
    buckets.push({
      ...whose,
      kind: 'seats',
      name: `${name}:concurrency`,
      unit: 'concurrency',
      limit: concurrency,
    })
  }
  return buckets
}

/** New API's two numbers, per user and group; its success count is reserved here and given back by failures. */
function requestCountBuckets(options: LimitOptions, caller: LimitedCaller): Bucket[] {
  if (!options['limits.modelRequestsEnabled']) return []
  const windowMs = options['limits.modelRequestsDurationMinutes'] * minuteMs
  const [total, success] = own(options['limits.modelRequestsGroup'], caller.group) ?? [
    options['limits.modelRequestsCount'],
    options['limits.modelRequestsSuccessCount'],
  ]
  const counts = [
    { unit: 'requests' as const, limit: total },
    { unit: 'successes' as const, limit: success },
  ]
  return counts
    .filter(({ limit }) => limit > 0)
    .map(({ unit, limit }) => ({
      kind: 'rate' as const,
      scope: 'model_requests' as const,
      name: `user:${caller.userId}:group:${caller.group}:${unit}:${windowMs}`,
      subject: `the user "${caller.username}"`,
      models: undefined,
      unit,
      limit,
      windowMs,
    }))
}

/** A member that is the object's own: groups are named by people. */
function own<Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}
