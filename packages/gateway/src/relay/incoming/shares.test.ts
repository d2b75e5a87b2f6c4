import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createShares } from './shares.ts'

const open = (over: { all?: number; account?: number; streams?: number } = {}) => {
  const shed: string[] = []
  const shares = createShares({
    limits: { bodiesInFlightBytesMax: over.all ?? 100, accountBytesInFlightMax: over.account ?? 60 },
    streamsPerKeyMax: () => over.streams ?? 2,
    onShed: limit => shed.push(limit),
  })
  return { shares, shed }
}

describe('bytes in memory', () => {
  test('one account cannot take all: the next one still has room', () => {
    const { shares, shed } = open()
    const greedy = shares.open({ accountId: 1, id: 1 })
    greedy.take(60)
    expect(() => shares.open({ accountId: 1, id: 2 }).take(1)).toThrow(
      expect.objectContaining({ class: 'shed', retryAfterMs: 1_000 }),
    )
    shares.open({ accountId: 2, id: 3 }).take(40)
    expect(shed).toEqual(['accountBytesInFlightMax'])
  })

  test('all accounts together have a bound too', () => {
    const { shares, shed } = open()
    shares.open({ accountId: 1, id: 1 }).take(60)
    expect(shares.open({ accountId: 2, id: 2 }).tryTake(41)).toBe(false)
    expect(shed).toEqual(['bodiesInFlightBytesMax'])
  })

  test('what a request still holds at its end goes back, once', () => {
    const { shares } = open()
    const share = shares.open({ accountId: 1, id: 1 })
    share.take(50)
    share.give(20)
    share.close()
    share.close()
    expect(shares.bytesUsed).toBe(0)
    expect(share.tryTake(1)).toBe(false)
    expect(shares.open({ accountId: 1, id: 1 }).tryTake(60)).toBe(true)
  })

  test('of any requests at once never go beyond the limits, and are all given back', () => {
    const step = fc.record({ who: fc.nat(9), account: fc.nat(2), bytes: fc.nat(40), ends: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const { shares } = open()
        const live = new Map<
          number,
          { share: ReturnType<typeof shares.open>; account: number; held: number }
        >()
        for (const { who, account, bytes, ends } of steps) {
          const mine = live.get(who) ?? {
            share: shares.open({ accountId: account, id: who }),
            account,
            held: 0,
          }
          live.set(who, mine)
          if (mine.share.tryTake(bytes)) mine.held += bytes
          const all = [...live.values()]
          expect(shares.bytesUsed).toBe(all.reduce((sum, { held }) => sum + held, 0))
          expect(shares.bytesUsed).toBeLessThanOrEqual(100)
          const ofAccount = all.filter(other => other.account === mine.account)
          expect(ofAccount.reduce((sum, { held }) => sum + held, 0)).toBeLessThanOrEqual(60)
          if (!ends) continue
          mine.share.close()
          live.delete(who)
        }
        for (const { share } of live.values()) share.close()
        expect(shares.bytesUsed).toBe(0)
      }),
    )
  })
})

describe('streams of a key', () => {
  test('the newest is refused, and room is made by an end', () => {
    const { shares, shed } = open()
    const first = shares.open({ accountId: 1, id: 7 })
    first.enterStream()
    shares.open({ accountId: 1, id: 7 }).enterStream()
    const third = shares.open({ accountId: 1, id: 7 })
    expect(() => third.enterStream()).toThrow(
      expect.objectContaining({ class: 'rate_limited_client', retryAfterMs: 1_000 }),
    )
    shares.open({ accountId: 1, id: 8 }).enterStream()
    first.close()
    third.enterStream()
    expect(shed).toEqual(['streamsPerKeyMax'])
  })

  test('are counted rightly after very many keys came and went', () => {
    const { shares } = open({ streams: 1 })
    const held = shares.open({ accountId: 1, id: 1 })
    held.enterStream()
    for (let id = 2; id < 25_000; id++) {
      const share = shares.open({ accountId: id, id })
      share.enterStream()
      share.close()
    }
    expect(() => shares.open({ accountId: 1, id: 1 }).enterStream()).toThrow()
  })
})
