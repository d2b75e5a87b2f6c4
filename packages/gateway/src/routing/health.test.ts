import type { UpstreamErrorClass } from '@yumen/protocol'
import { describe, expect, test } from 'vitest'
import type { Ticket } from './health.ts'
import { ask, type Bed, bedOf, createSeeded, planOf } from './testing.ts'
import type { Candidate, Routing } from './types.ts'

type End = 'ok' | 'undecided' | UpstreamErrorClass

/** Sends one request to the first candidate and ends it. Gives the key that was asked. */
function send(routing: Routing, end: End, more: { retryAfterMs?: number; ms?: number } = {}): string {
  return attempt(routing, firstOf(routing), end, more)
}

function firstOf(routing: Routing): Candidate {
  const plan = routing.plan(ask)
  const next = plan.kind === 'candidates' ? plan.candidates.next() : undefined
  if (next === undefined || next.done === true) throw new Error('nothing to send to')
  return next.value
}

function attempt(
  routing: Routing,
  candidate: Candidate,
  end: End,
  { retryAfterMs, ms = 100 }: { retryAfterMs?: number; ms?: number } = {},
): string {
  const ticket = routing.begin(candidate)
  routing.end(ticket, { class: end, retryAfterMs, ms, isStreaming: false })
  routing.release(ticket)
  return candidate.key.fingerprint
}

function sendMany(bed: Bed, times: number, end: End): void {
  for (let count = 0; count < times; count++) send(bed.routing, end)
}

const two = [{ id: 1, priority: 1 }, { id: 2 }]

describe('what is learnt of a failure', () => {
  test.each([
    { end: 'auth_upstream', rests: true },
    { end: 'quota_upstream', rests: true },
    { end: 'rate_limited', rests: true },
    { end: 'model_unavailable', rests: true },
    { end: 'region', rests: true },
    { end: 'upstream_error', rests: false },
    { end: 'upstream_timeout', rests: false },
    { end: 'overloaded', rests: false },
    { end: 'invalid_request', rests: false },
    { end: 'content_policy', rests: false },
    { end: 'undecided', rests: false },
    { end: 'ok', rests: false },
  ] as const)('one $end: the channel rests: $rests', ({ end, rests }) => {
    const { routing } = bedOf(two)
    send(routing, end)
    expect(planOf(routing)[0]).toBe(rests ? '2.0' : '1.0')
  })

  test('a key that was refused rests alone: the other keys of its channel go on', () => {
    const { routing, clock } = bedOf([{ id: 1, keys: 2, priority: 1 }, { id: 2 }])
    const refused = send(routing, 'auth_upstream')
    expect(planOf(routing)).toEqual([refused === '1.0' ? '1.1' : '1.0', '2.0', refused])
    clock.now += 10_000
    expect(planOf(routing).slice(0, 2)).toEqual(expect.arrayContaining(['1.0', '1.1']))
  })

  test('a refused key rests longer each time, and a success forgives all', () => {
    const bed = bedOf([{ id: 1 }])
    const restOf = () => bed.routing.explain(ask).candidates[0]?.excluded?.forMs
    send(bed.routing, 'auth_upstream')
    expect(restOf()).toBe(10_000)
    send(bed.routing, 'auth_upstream')
    expect(restOf()).toBe(20_000)
    send(bed.routing, 'ok')
    expect(restOf()).toBeUndefined()
    send(bed.routing, 'auth_upstream')
    expect(restOf()).toBe(10_000)
  })

  test('a rate that was used up concerns its model alone, for the time that was named', () => {
    const { routing, clock } = bedOf([
      { id: 1, priority: 1, models: new Set(['m', 'n']) },
      { id: 2, models: new Set(['m', 'n']) },
    ])
    send(routing, 'rate_limited', { retryAfterMs: 7_000 })
    expect(planOf(routing)).toEqual(['2.0'])
    expect(planOf(routing, { model: 'n' })[0]).toBe('1.0')
    clock.now += 7_000
    expect(planOf(routing)[0]).toBe('1.0')
  })

  test('a time that an upstream named is kept, also when there is nobody else to ask', () => {
    const { routing } = bedOf([{ id: 1 }])
    send(routing, 'rate_limited', { retryAfterMs: 7_000 })
    expect(planOf(routing)).toEqual([])
    expect(routing.exclusions(ask)).toMatchObject([{ reason: 'rate_limited', forMs: 7_000 }])
  })

  test('an edited channel starts anew', () => {
    const bed = bedOf([{ id: 1 }])
    send(bed.routing, 'rate_limited', { retryAfterMs: 60_000 })
    expect(planOf(bed.routing)).toEqual([])
    bed.change([{ id: 1, revision: 2 }])
    expect(planOf(bed.routing)).toEqual(['1.0'])
  })
})

describe('a channel that fails again and again', () => {
  test('gets nothing while others are sound, and is the last resort when they are not', () => {
    const bed = bedOf(two)
    sendMany(bed, 5, 'upstream_error')
    expect(planOf(bed.routing)).toEqual(['2.0', '1.0'])
  })

  test('is probed by one request at a time, and returns when that is answered', () => {
    const bed = bedOf(two)
    sendMany(bed, 5, 'upstream_error')
    bed.clock.now += 5_000
    const probe = firstOf(bed.routing)
    expect(probe.channel.id).toBe(1)
    const ticket = bed.routing.begin(probe)
    expect(firstOf(bed.routing).channel.id).toBe(2)
    bed.routing.end(ticket, { class: 'ok', ms: 1, isStreaming: false })
    bed.clock.now += 30_000
    expect(firstOf(bed.routing).channel.id).toBe(1)
  })

  test('costs the others next to nothing: among five, one in a thousand requests sees a second attempt', () => {
    const bed = bedOf(
      [1, 2, 3, 4, 5].map(id => ({ id })),
      { random: createSeeded(7) },
    )
    let second = 0
    for (let count = 0; count < 60_000; count++) {
      bed.clock.now += 10
      const candidate = firstOf(bed.routing)
      if (candidate.channel.id === 3) second++
      attempt(bed.routing, candidate, candidate.channel.id === 3 ? 'upstream_error' : 'ok')
    }
    expect(second / 60_000).toBeLessThan(0.001)
  })

  test('gets its share back slowly after its return', () => {
    const bed = bedOf([{ id: 1 }, { id: 2 }], { random: createSeeded(8) })
    const fail = () => attempt(bed.routing, { ...firstOf(bed.routing), ...channelOne(bed) }, 'upstream_error')
    for (let count = 0; count < 5; count++) fail()
    bed.clock.now += 5_000
    attempt(bed.routing, { ...firstOf(bed.routing), ...channelOne(bed) }, 'ok')
    const shareOf = () => {
      let hits = 0
      for (let count = 0; count < 4_000; count++) if (firstOf(bed.routing).channel.id === 1) hits++
      return hits / 4_000
    }
    expect(shareOf()).toBeLessThan(0.15)
    bed.clock.now += 15_000
    expect(shareOf()).toBeGreaterThan(0.25)
    bed.clock.now += 15_000
    expect(shareOf()).toBeCloseTo(0.5, 1)
  })

  function channelOne({ routing }: Bed) {
    const found = routing.explain(ask).candidates.find(({ channel }) => channel.id === 1)
    const key = found?.channel.keys[0]
    if (found === undefined || key === undefined) throw new Error('there is no channel 1')
    return { channel: found.channel, key }
  }
})

describe('outliers', () => {
  const three = [{ id: 1 }, { id: 2 }, { id: 3 }]

  function run(
    bed: Bed,
    requests: number,
    of: (id: number) => { end: End; ms: number },
  ): Map<number, number> {
    const asked = new Map<number, number>()
    for (let count = 0; count < requests; count++) {
      bed.clock.now += 20
      const candidate = firstOf(bed.routing)
      const { id } = candidate.channel
      asked.set(id, (asked.get(id) ?? 0) + 1)
      const { end, ms } = of(id)
      attempt(bed.routing, candidate, end, { ms })
    }
    return asked
  }

  test('the far slower one of three is left alone for a while', () => {
    const bed = bedOf(three, { random: createSeeded(9) })
    run(bed, 300, id => ({ end: 'ok', ms: id === 2 ? 4_000 : 300 }))
    expect(bed.routing.explain(ask).candidates.at(-1)).toMatchObject({
      channel: { id: 2 },
      excluded: { reason: 'slow_outlier' },
    })
    expect(run(bed, 300, () => ({ end: 'ok', ms: 300 })).get(2)).toBeUndefined()
  })

  test('the one that fails far more often than its like is, too', () => {
    let count = 0
    const bed = bedOf(three, { random: createSeeded(10) })
    run(bed, 400, id => ({ end: id === 3 && count++ % 3 === 0 ? 'upstream_error' : 'ok', ms: 300 }))
    expect(bed.routing.explain(ask).candidates.at(-1)).toMatchObject({
      channel: { id: 3 },
      excluded: { reason: 'failing_outlier' },
    })
  })

  test('of seven never more than three are out together', () => {
    const seven = Array.from({ length: 7 }, (_, index) => ({ id: index + 1 }))
    const bed = bedOf(seven, { random: createSeeded(12) })
    const slow = (id: number) => ({ end: 'ok' as const, ms: id <= 3 ? 9_000 : 300 })
    run(bed, 700, slow)
    run(bed, 2_000, id => ({ end: 'ok', ms: id <= 5 ? 9_000 : 300 }))
    const out = bed.routing.explain(ask).candidates.filter(({ excluded }) => excluded !== undefined)
    expect(out).toHaveLength(3)
  })

  test('where all are slow or failing none is left out', () => {
    let count = 0
    const bed = bedOf(three, { random: createSeeded(11) })
    run(bed, 400, () => ({ end: count++ % 5 === 0 ? 'upstream_error' : 'ok', ms: 5_000 }))
    expect(bed.routing.explain(ask).candidates.map(({ excluded }) => excluded)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('ceilings', () => {
  const limited = (ceilings: { concurrencyMax?: number; requestsPerMinuteMax?: number }) => [
    {
      id: 1,
      priority: 1,
      ceilings: { concurrencyMax: undefined, requestsPerMinuteMax: undefined, ...ceilings },
    },
    { id: 2 },
  ]

  test('a channel with all its places taken yields, and is back when one is free', () => {
    const { routing } = bedOf(limited({ concurrencyMax: 2 }))
    const tickets = [firstOf(routing), firstOf(routing)].map(candidate => routing.begin(candidate))
    expect(planOf(routing)).toEqual(['2.0'])
    for (const ticket of tickets) routing.end(ticket, { class: 'ok', ms: 1, isStreaming: true })
    expect(planOf(routing)).toEqual(['2.0'])
    for (const ticket of tickets.slice(1)) routing.release(ticket)
    expect(planOf(routing)[0]).toBe('1.0')
  })

  test('a channel yields when its minute is used up, and in no minute gets more than its number', () => {
    const { routing, clock } = bedOf(limited({ requestsPerMinuteMax: 6 }))
    const times: number[] = []
    for (let second = 0; second < 300; second++) {
      if (send(routing, 'ok') === '1.0') times.push(second)
      clock.now += 1_000
    }
    expect(times).toHaveLength(30)
    for (const end of times)
      expect(times.filter(at => at > end - 60 && at <= end).length).toBeLessThanOrEqual(6)
  })

  test('what was under way before an edit that brings a ceiling keeps its place', () => {
    const bed = bedOf([{ id: 1, priority: 1 }, { id: 2 }])
    const before = bed.routing.begin(firstOf(bed.routing))
    bed.change(limited({ concurrencyMax: 2 }).map(channel => ({ ...channel, revision: 2 })))
    const after = bed.routing.begin(firstOf(bed.routing))
    expect(planOf(bed.routing)).toEqual(['2.0'])
    bed.routing.release(before)
    expect(planOf(bed.routing)[0]).toBe('1.0')
    bed.routing.release(after)
  })
})

describe('the retry budget', () => {
  test('lets each request be tried twice on the whole, and no more in a storm', () => {
    const { routing } = bedOf(two)
    for (let count = 0; count < 100; count++) routing.onRequest('m')
    let granted = 0
    for (let count = 0; count < 1_000; count++) if (routing.mayRetry('m')) granted++
    expect(granted).toBe(120)
  })

  test('of one model is not spent by another', () => {
    const { routing } = bedOf(two)
    while (routing.mayRetry('dead'));
    expect(routing.mayRetry('m')).toBe(true)
  })

  test('is full again when the storm is over', () => {
    const { routing, clock } = bedOf(two)
    while (routing.mayRetry('m'));
    clock.now += 20_001
    expect(routing.mayRetry('m')).toBe(true)
  })
})

describe('what is kept', () => {
  test('names that clients choose push out the oldest, never everything', () => {
    const models = new Set(['gpt-4-gizmo-*', 'm'])
    const bed = bedOf([
      { id: 1, models },
      { id: 2, models, priority: -1 },
    ])
    const rest = (model: string) => {
      const plan = bed.routing.plan({ ...ask, model })
      const next = plan.kind === 'candidates' ? plan.candidates.next() : undefined
      if (next === undefined || next.done === true) throw new Error('nothing to send to')
      attempt(bed.routing, next.value, 'rate_limited', { retryAfterMs: 60_000 })
    }
    for (let count = 0; count < 49; count++) rest(`gpt-4-gizmo-${count}`)
    rest('m')
    for (let count = 0; count < 20; count++) rest(`gpt-4-gizmo-more-${count}`)
    expect(planOf(bed.routing)).toEqual(['2.0'])
    expect(planOf(bed.routing, { model: 'gpt-4-gizmo-0' })[0]).toBe('1.0')
  })

  test('an attempt at a channel that was edited meanwhile says nothing of it', () => {
    const bed = bedOf([{ id: 1 }])
    const ticket = bed.routing.begin(firstOf(bed.routing))
    bed.change([{ id: 1, revision: 2 }])
    send(bed.routing, 'ok')
    bed.routing.end(ticket, { class: 'rate_limited', retryAfterMs: 60_000, ms: 1, isStreaming: false })
    expect(planOf(bed.routing)).toEqual(['1.0'])
    bed.routing.begin(ticketCandidate(ticket))
    send(bed.routing, 'rate_limited', { retryAfterMs: 60_000 })
    expect(planOf(bed.routing)).toEqual([])
  })

  const ticketCandidate = ({ channel, key, model }: Ticket): Candidate => ({
    channel,
    key,
    upstreamModel: model,
    group: 'default',
  })
})

describe('attempts that are under way together', () => {
  const begin = (bed: Bed) => bed.routing.begin(firstOf(bed.routing))
  const end = (bed: Bed, ticket: Ticket, of: End, retryAfterMs?: number) =>
    bed.routing.end(ticket, { class: of, retryAfterMs, ms: 1, isStreaming: false })
  const restOf = (bed: Bed) =>
    bed.routing.explain(ask).candidates.find(({ channel }) => channel.id === 1)?.excluded

  test.each(['rate_limited', 'auth_upstream'] as const)('ten of them that end with %s count once', of => {
    const bed = bedOf([{ id: 1 }])
    const tickets = Array.from({ length: 10 }, () => begin(bed))
    for (const ticket of tickets) end(bed, ticket, of)
    expect(restOf(bed)?.forMs).toBe(10_000)
  })

  test('an older answer forgives nothing that was learnt meanwhile', () => {
    const bed = bedOf(two)
    const [older, newer] = [begin(bed), begin(bed)]
    end(bed, newer, 'rate_limited')
    end(bed, older, 'ok')
    expect(restOf(bed)?.reason).toBe('rate_limited')
  })

  test('a time that was named is kept, whatever comes in between', () => {
    const bed = bedOf([{ id: 1 }])
    const [first, second] = [begin(bed), begin(bed)]
    const candidate = firstOf(bed.routing)
    end(bed, first, 'rate_limited', 60_000)
    end(bed, second, 'rate_limited')
    expect(planOf(bed.routing)).toEqual([])
    attempt(bed.routing, candidate, 'ok')
    expect(planOf(bed.routing)).toEqual([])
    bed.clock.now += 60_000
    expect(planOf(bed.routing)).toEqual(['1.0'])
  })

  test('what was concluded does not make a short named time long', () => {
    const bed = bedOf([{ id: 1 }])
    for (let count = 0; count < 8; count++) send(bed.routing, 'rate_limited')
    send(bed.routing, 'rate_limited', { retryAfterMs: 1_000 })
    expect(planOf(bed.routing)).toEqual([])
    bed.clock.now += 1_000
    expect(planOf(bed.routing)).toEqual(['1.0'])
  })

  test('a slow first attempt does not hide who is sound again since', () => {
    const bed = bedOf([{ id: 1, priority: 1 }, { id: 2 }])
    attempt(bed.routing, candidateOf(bed, 2), 'rate_limited', { retryAfterMs: 5_000 })
    const plan = bed.routing.plan(ask)
    if (plan.kind !== 'candidates') throw new Error('no candidates')
    expect(plan.candidates.next().value?.channel.id).toBe(1)
    bed.clock.now += 60_000
    expect(plan.candidates.next().value?.channel.id).toBe(2)
  })

  const candidateOf = (bed: Bed, id: number): Candidate => {
    const plan = bed.routing.plan({ ...ask, pinnedChannelId: id })
    const next = plan.kind === 'candidates' ? plan.candidates.next() : undefined
    if (next === undefined || next.done === true) throw new Error('no such channel')
    return next.value
  }
})

describe('what nodes tell each other', () => {
  test('of a channel that was edited since counts no more', () => {
    const one = bedOf(two)
    const other = bedOf([{ id: 1, priority: 1, revision: 2 }, { id: 2 }])
    send(one.routing, 'rate_limited', { retryAfterMs: 7_000 })
    other.routing.hear(one.reports)
    expect(planOf(other.routing)[0]).toBe('1.0')
  })

  test('what another says goes with its word, and what was found out here stays', () => {
    const { routing } = bedOf(two)
    send(routing, 'rate_limited', { retryAfterMs: 7_000 })
    const longer = {
      channelId: 1,
      channelRevision: 1,
      keyFingerprint: '1.0',
      model: 'm',
      reason: 'rate_limited',
      isNamed: true,
    }
    routing.hear([{ ...longer, forMs: 60_000 }])
    routing.hear([])
    expect(planOf(routing)).toEqual(['2.0'])
  })

  test('a refused key is told, and that it is well again', () => {
    const { routing, reports } = bedOf([{ id: 1 }])
    send(routing, 'auth_upstream')
    send(routing, 'ok')
    expect(reports).toMatchObject([
      { channelId: 1, keyFingerprint: '1.0', model: '', reason: 'key_refused', forMs: 10_000 },
      { channelId: 1, keyFingerprint: '1.0', model: '', forMs: 0 },
    ])
  })

  test('what one learns keeps the other from trying, for as long', () => {
    const one = bedOf(two)
    const other = bedOf(two)
    send(one.routing, 'rate_limited', { retryAfterMs: 7_000 })
    other.routing.hear(one.reports)
    expect(planOf(other.routing)).toEqual(['2.0'])
    other.clock.now += 7_000
    expect(planOf(other.routing)[0]).toBe('1.0')
  })

  test('what is well again there is well again here', () => {
    const one = bedOf(two)
    const other = bedOf(two)
    send(one.routing, 'rate_limited', { retryAfterMs: 7_000 })
    other.routing.hear(one.reports)
    other.routing.hear([])
    expect(planOf(other.routing)[0]).toBe('1.0')
  })

  test('an open breaker is told, and is the last resort there too', () => {
    const one = bedOf(two)
    const other = bedOf(two)
    sendMany(one, 5, 'upstream_error')
    other.routing.hear(one.reports)
    expect(planOf(other.routing)).toEqual(['2.0', '1.0'])
  })

  test('reasons of a newer program and channels that are gone say nothing here', () => {
    const { routing } = bedOf(two)
    const report = {
      channelId: 1,
      channelRevision: 1,
      keyFingerprint: '',
      model: '',
      isNamed: true,
      forMs: 9_000,
    }
    routing.hear([
      { ...report, reason: 'newer' },
      { ...report, channelId: 99, reason: 'region' },
    ])
    expect(planOf(routing)).toEqual(['1.0', '2.0'])
  })
})
