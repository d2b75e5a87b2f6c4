import { describe, expect, test } from 'vitest'
import { resolveOptions } from '#config'
import { createLimiter, type LimiterParts } from './limiting.ts'
import { LocalBuckets } from './local-buckets.ts'
import type { Admission, Bucket, LimitedCaller } from './types.ts'

const key: LimitedCaller = {
  id: 1,
  name: 'laptop',
  userId: 2,
  username: 'ann',
  userGroup: 'default',
  group: 'default',
  organisation: undefined,
  rateLimit: undefined,
}
const limits = { rateBucketsMax: 1_000, rateSweepMs: 1_000_000, rateSweepMax: 100, concurrencyRetryMs: 1_000 }

function start(options: Readonly<Record<string, unknown>> = {}, more: Partial<LimiterParts> = {}) {
  const rows = Object.entries(options).map(([name, value]) => ({ key: name, value: JSON.stringify(value) }))
  const resolved = resolveOptions(rows)
  const time = { ms: 0.7 }
  const limiter = createLimiter({
    options: () => resolved,
    limits,
    clock: () => time.ms,
    now: () => 1_700_000_000_000 + time.ms,
    nodes: () => 1,
    nodeId: 'n',
    ...more,
  })
  function ask(caller: LimitedCaller, { model = 'gpt-5', tokens = 0 } = {}): Admission | undefined {
    const admission = limiter.admit(caller, { model, tokens })
    if (admission instanceof Promise) throw new Error('without Redis nothing waits')
    return admission
  }
  return { ask, time, limiter }
}

const outcomes = (admissions: readonly (Admission | undefined)[]) =>
  admissions.map(admission => (admission?.kind === 'refused' ? admission.refusal.scope : admission?.kind))
const refusalOf = (admission: Admission | undefined) =>
  admission?.kind === 'refused' ? admission.refusal : undefined
const seatOf = (admission: Admission | undefined) =>
  admission?.kind === 'admitted' ? admission.seat : undefined

test('a caller without limits has no admission at all', () => {
  expect(start().ask(key)).toBeUndefined()
  expect(start({ 'limits.organisation': { concurrency: 1 } }).ask(key)).toBeUndefined()
})

test('the fourth of three requests a minute is refused and told when to come back', () => {
  const { ask, time } = start()
  const limited = { ...key, rateLimit: { requestsPerMinute: 3 } }
  expect(outcomes([1, 2, 3, 4].map(() => ask(limited)))).toEqual(['admitted', 'admitted', 'admitted', 'key'])
  expect(refusalOf(ask(limited))).toEqual({
    scope: 'key',
    unit: 'requests',
    retryAfterMs: 20_000,
    message: 'rate limit reached: the API key "laptop" may make 3 requests a minute; try again in 20 s',
  })
  time.ms += 20_000
  const admission = ask(limited)
  expect(admission).toMatchObject({
    kind: 'admitted',
    standing: { requests: { limit: 3, remaining: 0, resetMs: 60_000 }, tokens: undefined },
  })
})

test('all limits are taken or none', () => {
  const { ask } = start({ 'limits.user': { requestsPerMinute: 5 } })
  const narrow = { ...key, rateLimit: { requestsPerMinute: 1 } }
  const other = { ...key, id: 9 }
  expect(outcomes([ask(narrow), ask(narrow), ask(narrow)])).toEqual(['admitted', 'key', 'key'])
  expect(outcomes([1, 2, 3, 4, 5].map(() => ask(other)))).toEqual([...Array(4).fill('admitted'), 'user'])
})

describe('tokens', () => {
  const limited = { ...key, rateLimit: { tokensPerMinute: 1_000 } }

  test('are reserved and then corrected to what was used', () => {
    const { ask } = start()
    const first = ask(limited, { tokens: 900 })
    expect(first?.standing.tokens).toMatchObject({ limit: 1_000, remaining: 100 })
    expect(refusalOf(ask(limited, { tokens: 200 }))).toMatchObject({ unit: 'tokens', retryAfterMs: 6_000 })
    seatOf(first)?.settle({ tokens: 50, isSuccess: true })
    seatOf(first)?.end()
    seatOf(first)?.end()
    expect(ask(limited, { tokens: 200 })?.standing.tokens).toMatchObject({ remaining: 750 })
  })

  test('that were used beyond the reserved are owed', () => {
    const { ask } = start()
    const seat = seatOf(ask(limited, { tokens: 10 }))
    seat?.settle({ tokens: 3_000, isSuccess: true })
    seat?.end()
    expect(refusalOf(ask(limited, { tokens: 10 }))?.retryAfterMs).toBe(120_600)
  })

  test('stay reserved when nobody knows what was used', () => {
    const { ask } = start()
    seatOf(ask(limited, { tokens: 600 }))?.end()
    expect(ask(limited, { tokens: 1 })?.standing.tokens?.remaining).toBe(399)
  })

  test('reckoned above the limit wait for a whole one, and are corrected from there', () => {
    const { ask } = start()
    const seat = seatOf(ask(limited, { tokens: 50_000 }))
    expect(refusalOf(ask(limited, { tokens: 50_000 }))?.retryAfterMs).toBe(60_000)
    seat?.settle({ tokens: 100, isSuccess: true })
    seat?.end()
    expect(ask(limited, { tokens: 0 })?.standing.tokens?.remaining).toBe(900)
  })
})

test('a place is free again when its request ends, once', () => {
  const { ask, limiter } = start()
  const limited = { ...key, rateLimit: { concurrency: 2 } }
  const [first] = [ask(limited), ask(limited)]
  expect(refusalOf(ask(limited))).toMatchObject({ unit: 'concurrency', retryAfterMs: 1_000 })
  seatOf(first)?.end()
  seatOf(first)?.end()
  const third = ask(limited)
  expect(outcomes([third, ask(limited)])).toEqual(['admitted', 'key'])
  expect(third?.standing).toMatchObject({ requests: undefined, tokens: undefined })
  expect(limiter.size).toBe(1)
})

test('groups have limits of their own, and none where theirs are empty', () => {
  const { ask } = start({
    'limits.user': { requestsPerMinute: 1 },
    'limits.userByGroup': { vip: { requestsPerMinute: 2 }, staff: {} },
  })
  const asked = (userGroup: string, userId: number) =>
    outcomes([1, 2, 3].map(() => ask({ ...key, userGroup, userId })))
  expect(asked('default', 1)).toEqual(['admitted', 'user', 'user'])
  expect(asked('vip', 2)).toEqual(['admitted', 'admitted', 'user'])
  expect(asked('staff', 3)).toEqual([undefined, undefined, undefined])
})

test('an organisation shares its limits among its users', () => {
  const { ask } = start({
    'limits.organisation': { requestsPerMinute: 2 },
    'limits.organisationByGroup': { big: { requestsPerMinute: 3 } },
  })
  const member = (userId: number, group: string) => ({ ...key, userId, organisation: { id: group, group } })
  expect(outcomes([1, 2, 3].map(userId => ask(member(userId, 'small'))))).toEqual([
    'admitted',
    'admitted',
    'organisation',
  ])
  expect(outcomes([1, 2, 3].map(userId => ask(member(userId, 'big'))))).toEqual(Array(3).fill('admitted'))
})

test('models have limits by the best pattern, which its models share', () => {
  const { ask } = start({
    'limits.userModel': { 'claude-*': { requestsPerMinute: 1 }, 'claude-tiny': { requestsPerMinute: 2 } },
    'limits.userModelByGroup': { vip: { 'claude-*': { requestsPerMinute: 5 } } },
  })
  const models = ['claude-a', 'claude-b', 'claude-tiny', 'claude-tiny', 'claude-tiny', 'gpt-5']
  expect(outcomes(models.map(model => ask(key, { model })))).toEqual([
    'admitted',
    'user_model',
    'admitted',
    'admitted',
    'user_model',
    undefined,
  ])
  expect(refusalOf(ask(key, { model: 'claude-a' }))?.message).toContain('1 request a minute with claude-*')
  const vip = { ...key, userId: 8, userGroup: 'vip' }
  expect(outcomes(['claude-a', 'claude-b'].map(model => ask(vip, { model })))).toEqual([
    'admitted',
    'admitted',
  ])
})

describe("New API's two numbers", () => {
  const counts = {
    'limits.modelRequestsEnabled': true,
    'limits.modelRequestsDurationMinutes': 2,
    'limits.modelRequestsCount': 0,
    'limits.modelRequestsSuccessCount': 2,
    'limits.modelRequestsGroup': { vip: [3, 0] },
  }

  test('count successes and give failures back', () => {
    const { ask } = start(counts)
    for (let failed = 0; failed < 10; failed++) {
      const seat = seatOf(ask(key))
      seat?.settle({ tokens: 0, isSuccess: false })
      seat?.end()
    }
    for (let answered = 0; answered < 2; answered++) {
      const seat = seatOf(ask(key))
      seat?.settle({ tokens: 9, isSuccess: true })
      seat?.end()
    }
    expect(refusalOf(ask(key))).toMatchObject({
      scope: 'model_requests',
      unit: 'successes',
      retryAfterMs: 60_000,
      message: expect.stringContaining('2 successful requests in 2 minutes'),
    })
  })

  test('are replaced by those of the group, where 0 limits nothing', () => {
    const { ask } = start(counts)
    const vip = { ...key, group: 'vip' }
    expect(outcomes([1, 2, 3, 4].map(() => ask(vip)))).toEqual([
      ...Array(3).fill('admitted'),
      'model_requests',
    ])
  })

  test('do nothing while they are off', () => {
    expect(start({ ...counts, 'limits.modelRequestsEnabled': false }).ask(key)).toBeUndefined()
  })
})

test('each of several nodes has its part, rounded up', () => {
  const { ask } = start({}, { nodes: () => 2 })
  const limited = { ...key, rateLimit: { requestsPerMinute: 3, concurrency: 3 } }
  const admissions = [ask(limited), ask(limited), ask(limited)]
  expect(outcomes(admissions)).toEqual(['admitted', 'admitted', 'key'])
  expect(admissions[0]?.standing.requests).toMatchObject({ limit: 3, remaining: 1 })
})

test('tokens are corrected rightly after the number of nodes has changed', () => {
  let nodes = 2
  const { ask } = start({}, { nodes: () => nodes })
  const limited = { ...key, rateLimit: { tokensPerMinute: 1_000 } }
  const seat = seatOf(ask(limited, { tokens: 5_000 }))
  nodes = 1
  seat?.settle({ tokens: 100, isSuccess: true })
  seat?.end()
  expect(ask(limited, { tokens: 0 })?.standing.tokens?.remaining).toBe(900)
})

test('limits under way are bounded', () => {
  const { ask, limiter } = start({}, { limits: { ...limits, rateBucketsMax: 10 } })
  for (let id = 0; id < 50; id++) ask({ ...key, id, rateLimit: { requestsPerMinute: 60 } })
  expect(limiter.size).toBe(10)
})

test('a limit that is whole again is dropped, and no other', () => {
  const local = new LocalBuckets({ rateBucketsMax: 100, rateSweepMax: 30 })
  const bucketOf = (name: string, limit: number): Bucket => ({
    kind: 'rate',
    unit: 'requests',
    scope: 'key',
    subject: 'the API key',
    models: undefined,
    windowMs: 60_000,
    name,
    limit,
  })
  for (let id = 0; id < 20; id++)
    local.take({ buckets: [bucketOf(`fast:${id}`, 60), bucketOf(`slow:${id}`, 1)], tokens: 0 }, 0, 1)
  for (let times = 0; times < 5; times++) local.sweep(999)
  expect(local.size).toBe(40)
  for (let times = 0; times < 2; times++) local.sweep(1_000)
  expect(local.size).toBe(20)
  expect(local.take({ buckets: [bucketOf('slow:3', 1)], tokens: 0 }, 1_000, 1).isTaken).toBe(false)
})
