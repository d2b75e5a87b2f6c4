import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashText, pickHome, rendezvousScore, weightClasses } from './rendezvous.ts'
import { ask, bedOf, planOf } from './testing.ts'

const ten = Array.from({ length: 10 }, (_, index) => ({ id: index + 1, keys: 2 }))
const conversations = Array.from({ length: 4_000 }, (_, index) => hashText(`conversation ${index}`))

function homes(channels: typeof ten, of: readonly number[] = conversations): readonly string[] {
  const { routing } = bedOf(channels)
  return of.map(seed => planOf(routing, { affinity: () => seed })[0] ?? '')
}

describe('a conversation', () => {
  test('comes to the same key each time', () => {
    expect(homes(ten)).toEqual(homes(ten))
  })

  test('spreads with others over channels and keys alike', () => {
    const counts = Map.groupBy(homes(ten), key => key)
    expect(counts.size).toBe(20)
    for (const hits of counts.values()) expect(hits.length / conversations.length).toBeCloseTo(0.05, 1)
  })

  test('moves only when its own channel leaves', () => {
    const before = homes(ten)
    const after = homes(ten.filter(({ id }) => id !== 4))
    for (const [index, key] of before.entries()) {
      if (!key.startsWith('4.')) expect(after[index]).toBe(key)
    }
  })

  test('goes to its second home while the first rests, and returns', () => {
    const bed = bedOf(ten)
    const [seed = 0] = conversations
    const [first, second] = planOf(bed.routing, { affinity: () => seed })
    const plan = bed.routing.plan({ ...ask, affinity: () => seed })
    const next = plan.kind === 'candidates' ? plan.candidates.next() : undefined
    if (next === undefined || next.done === true) throw new Error('no candidate')
    const ticket = bed.routing.begin(next.value)
    bed.routing.end(ticket, { class: 'rate_limited', retryAfterMs: 5_000, ms: 1, isStreaming: false })
    expect(planOf(bed.routing, { affinity: () => seed })[0]).toBe(second)
    bed.clock.now += 5_000
    expect(planOf(bed.routing, { affinity: () => seed })[0]).toBe(first)
  })

  test('comes back to a home that returns slowly one after the other', () => {
    const bed = bedOf(ten)
    const home = (seed: number) => planOf(bed.routing, { affinity: () => seed })[0] ?? ''
    const own = conversations.filter(seed => home(seed).startsWith('4.'))
    const channel = bed.routing.plan({ ...ask, pinnedChannelId: 4 })
    const next = channel.kind === 'candidates' ? channel.candidates.next() : undefined
    if (next === undefined || next.done === true) throw new Error('no candidate')
    const end = (of: 'ok' | 'upstream_error') => {
      const ticket = bed.routing.begin(next.value)
      bed.routing.end(ticket, { class: of, ms: 1, isStreaming: false })
    }
    for (let count = 0; count < 5; count++) end('upstream_error')
    bed.clock.now += 120_000
    end('ok')
    const back = () => own.filter(seed => home(seed).startsWith('4.')).length / own.length
    expect(back()).toBeLessThan(0.2)
    bed.clock.now += 15_000
    expect(back()).toBeGreaterThan(0.4)
    expect(back()).toBeLessThan(0.7)
    bed.clock.now += 15_000
    expect(back()).toBe(1)
  })

  test('asks for no sign of it where there is no choice', () => {
    const { routing } = bedOf([{ id: 1 }])
    const affinity = () => {
      throw new Error('nobody has to know')
    }
    expect(planOf(routing, { affinity })).toEqual(['1.0'])
  })
})

test('shares follow the weights, a weight of 0 comes last', () => {
  const weights = [1, 3, 6, 0]
  const wins = weights.map(() => 0)
  for (const seed of conversations) {
    const scores = weights.map((weight, index) => rendezvousScore(seed, hashText(`entry ${index}`), weight))
    const best = scores.indexOf(Math.max(...scores))
    wins[best] = (wins[best] ?? 0) + 1
  }
  for (const [index, share] of [0.1, 0.3, 0.6, 0].entries())
    expect((wins[index] ?? 0) / conversations.length).toBeCloseTo(share, 1)
})

test('an entry more takes only what is then its own', () => {
  const weight = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(
      fc.array(weight, { minLength: 1, maxLength: 8 }),
      weight,
      fc.integer(),
      (weights, extra, seed) => {
        const score = (each: number, index: number) => rendezvousScore(seed, hashText(`e${index}`), each)
        const bestOf = (of: readonly number[]) => of.indexOf(Math.max(...of))
        const before = bestOf(weights.map(score))
        const after = bestOf([...weights, extra].map(score))
        expect([before, weights.length]).toContain(after)
      },
    ),
  )
})

test('of many the home is the one with the highest score among those that may be asked', () => {
  const entry = fc.record({
    hash: fc.integer(),
    weight: fc.integer({ min: 0, max: 3 }),
    isOpen: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ hash }) => hash, maxLength: 40 }),
      fc.integer(),
      (all, seed) => {
        const classes = weightClasses(
          all.map(each => ({ entry: each, hash: each.hash, weight: each.weight })),
        )
        const scoreOf = (each: (typeof all)[number]) => rendezvousScore(seed, each.hash, each.weight)
        const open = all
          .filter(({ isOpen }) => isOpen)
          .toSorted((one, other) => scoreOf(other) - scoreOf(one))
        expect(pickHome(classes, seed, ({ isOpen }) => isOpen)).toBe(open[0])
      },
    ),
  )
})
