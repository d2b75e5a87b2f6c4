import { describe, expect, test } from 'vitest'
import { hashText } from './rendezvous.ts'
import { ask, type Bed, bedOf, createSeeded } from './testing.ts'
import type { Candidate, RouteAsk } from './types.ts'

/** What `explain` says is what the selection does. */

function firstOf({ routing }: Bed, wishes: Partial<RouteAsk> = {}): Candidate {
  const plan = routing.plan({ ...ask, ...wishes })
  const next = plan.kind === 'candidates' ? plan.candidates.next() : undefined
  if (next === undefined || next.done === true) throw new Error('there is nothing to try')
  return next.value
}

function failing(bed: Bed, candidate: Candidate, end: 'rate_limited' | 'upstream_error'): void {
  const ticket = bed.routing.begin(candidate)
  const told = end === 'rate_limited' ? { retryAfterMs: 60_000 } : {}
  bed.routing.end(ticket, { class: end, ...told, ms: 1, isStreaming: false })
}

/** Ends so many attempts at the channel that its breaker opens. */
function openBreaker(bed: Bed, id: number): void {
  const candidate = firstOf(bed, { pinnedChannelId: id })
  for (let count = 0; count < 10; count++) failing(bed, candidate, 'upstream_error')
}

const shareText = (bed: Bed, wishes: Partial<RouteAsk> = {}) =>
  bed.routing
    .explain({ ...ask, ...wishes })
    .candidates.map(({ channel, share, isLastResort }) => [channel.id, share, isLastResort])

test('a conversation is said to go where it goes, also while some keys of a channel rest', () => {
  const bed = bedOf([
    { id: 1, keys: 3, weight: 3 },
    { id: 2, keys: 3 },
    { id: 3, keys: 1 },
  ])
  const { channel } = firstOf(bed, { pinnedChannelId: 1 })
  for (const key of channel.keys.slice(0, 2))
    failing(bed, { channel, key, upstreamModel: 'm', group: 'default' }, 'rate_limited')
  for (let index = 0; index < 500; index++) {
    const seed = hashText(`conversation ${index}`)
    const affinity = () => seed
    const [home] = bed.routing.explain({ ...ask, affinity }).candidates
    expect(home?.share).toBe(1)
    expect(home?.channel.id).toBe(firstOf(bed, { affinity }).channel.id)
  }
})

test('the order for a conversation is the one in which its channels are tried', () => {
  const bed = bedOf([{ id: 1 }, { id: 2, keys: 2 }, { id: 3, weight: 2 }])
  for (let index = 0; index < 50; index++) {
    const seed = hashText(`conversation ${index}`)
    const plan = bed.routing.plan({ ...ask, affinity: () => seed })
    if (plan.kind !== 'candidates') throw new Error('there is nothing to try')
    const tried = [1, 2, 3].map(() => plan.candidates.next().value?.channel.id)
    expect(shareText(bed, { affinity: () => seed }).map(([id]) => id)).toEqual(tried)
  }
})

describe('what is only suspected', () => {
  test('is a last resort with all traffic where there is nobody else', () => {
    const bed = bedOf([{ id: 1 }])
    openBreaker(bed, 1)
    expect(firstOf(bed).channel.id).toBe(1)
    expect(shareText(bed)).toEqual([[1, 1, true]])
  })

  test('gets nothing while a lower tier is sound, and comes before what is closed', () => {
    const bed = bedOf([{ id: 1, priority: 2 }, { id: 2, priority: 2 }, { id: 3 }])
    openBreaker(bed, 2)
    failing(bed, firstOf(bed, { pinnedChannelId: 1 }), 'rate_limited')
    expect(firstOf(bed).channel.id).toBe(3)
    expect(shareText(bed)).toEqual([
      [3, 1, false],
      [2, 0, true],
      [1, 0, false],
    ])
  })

  test('is shared by weight when nothing is sound in any tier', () => {
    const bed = bedOf([{ id: 1, weight: 3, priority: 1 }, { id: 2, priority: 1 }, { id: 3 }], {
      random: createSeeded(5),
    })
    for (const id of [1, 2, 3]) openBreaker(bed, id)
    expect(shareText(bed)).toEqual([
      [1, 0.75, true],
      [2, 0.25, true],
      [3, 1, true],
    ])
    let hits = 0
    for (let count = 0; count < 4_000; count++) if (firstOf(bed).channel.id === 1) hits++
    expect(hits / 4_000).toBeCloseTo(0.75, 1)
  })

  test('of a conversation the home among the suspected gets all', () => {
    const bed = bedOf([{ id: 1 }, { id: 2 }, { id: 3 }])
    for (const id of [1, 2, 3]) openBreaker(bed, id)
    const affinity = () => hashText('a conversation')
    const [home] = bed.routing.explain({ ...ask, affinity }).candidates
    expect([home?.share, home?.isLastResort]).toEqual([1, true])
    expect(home?.channel.id).toBe(firstOf(bed, { affinity }).channel.id)
  })
})

test('a weight of 0 gets all when those with weight rest', () => {
  const bed = bedOf([{ id: 1 }, { id: 2, weight: 0 }])
  failing(bed, firstOf(bed, { pinnedChannelId: 1 }), 'rate_limited')
  expect(firstOf(bed).channel.id).toBe(2)
  expect(shareText(bed)).toEqual([
    [2, 1, false],
    [1, 0, false],
  ])
})
