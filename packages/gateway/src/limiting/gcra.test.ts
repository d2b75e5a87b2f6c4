import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  costWithin,
  fits,
  leak,
  moved,
  owedWindowsMax,
  type Rate,
  remaining,
  resetMs,
  waitMs,
} from './gcra.ts'

const perMinute = (limit: number): Rate => ({ limit, windowMs: 60_000 })
const rates = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000_000 })),
  windowMs: fc.constantFrom(1, 1_000, 60_000),
})

/** Steps in the order of time: `after` milliseconds later somebody asks for `cost`. */
const steps = fc.array(
  fc.record({
    after: fc.integer({ min: 0, max: 90_000 }),
    share: fc.double({ min: 0, max: 1.2, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
)

function play(rate: Rate, asks: readonly { after: number; share: number }[]) {
  const taken: { at: number; cost: number }[] = []
  let [level, now] = [0, 0]
  for (const { after, share } of asks) {
    level = leak(level, after, rate)
    now += after
    const cost = costWithin(Math.ceil(share * rate.limit), rate)
    if (!fits(level, rate, cost)) continue
    level = moved(level, rate, cost)
    taken.push({ at: now, cost })
  }
  return taken
}

test('no interval lets through more than the limit and what its time allows', () => {
  fc.assert(
    fc.property(rates, steps, (rate, asks) => {
      const taken = play(rate, asks)
      for (let first = 0; first < taken.length; first++) {
        let units = 0
        for (const { at, cost } of taken.slice(first)) {
          units += cost
          const elapsed = at - (taken[first]?.at ?? 0)
          // In whole numbers: units × window ≤ limit × (window + elapsed).
          expect(BigInt(units) * BigInt(rate.windowMs)).toBeLessThanOrEqual(
            BigInt(rate.limit) * BigInt(rate.windowMs + elapsed),
          )
        }
      }
    }),
  )
})

test('what was refused fits after exactly the time that was told, and not a millisecond sooner', () => {
  fc.assert(
    fc.property(
      rates,
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rate, used, wish) => {
        const level = Math.floor(used * rate.limit * rate.windowMs)
        const cost = Math.max(1, Math.ceil(wish * rate.limit))
        const ms = waitMs(level, rate, cost)
        expect(fits(leak(level, ms, rate), rate, cost)).toBe(true)
        if (ms > 0) expect(fits(leak(level, ms - 1, rate), rate, cost)).toBe(false)
      },
    ),
  )
})

test('a rate that is reset has nothing taken, and had something a millisecond before', () => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 1, noNaN: true }), (rate, used) => {
      const level = Math.floor(used * rate.limit * rate.windowMs)
      expect(leak(level, resetMs(level, rate), rate)).toBe(0)
      if (level > 0) expect(leak(level, resetMs(level, rate) - 1, rate)).toBeGreaterThan(0)
    }),
  )
})

describe('a rate of three a minute', () => {
  const rate = perMinute(3)
  const after = (units: number) => moved(0, rate, units)

  test('gives three at once and then one each twenty seconds', () => {
    expect([fits(after(2), rate, 1), fits(after(3), rate, 1)]).toEqual([true, false])
    expect(waitMs(after(3), rate, 1)).toBe(20_000)
    expect([remaining(after(1), rate), resetMs(after(1), rate)]).toEqual([2, 20_000])
  })

  test('owes what was used beyond it, up to a bound', () => {
    expect(remaining(after(9), rate)).toBe(0)
    expect(waitMs(after(9), rate, 1)).toBe(140_000)
    expect(after(1_000_000)).toBe(owedWindowsMax * 3 * 60_000)
  })

  test('takes a cost above the limit for the limit', () => {
    expect(costWithin(50, rate)).toBe(3)
  })

  test('refuses nobody who asks for nothing', () => {
    expect([fits(after(9), rate, 0), waitMs(after(9), rate, 0)]).toEqual([true, 0])
  })

  test('leaks nothing while the clock steps back', () => {
    expect(leak(after(3), -5_000, rate)).toBe(after(3))
  })
})
