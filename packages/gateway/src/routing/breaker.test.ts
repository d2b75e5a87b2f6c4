import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Breaker, type BreakerRules } from './breaker.ts'

const rules: BreakerRules = {
  failuresMax: 3,
  failureShare: 0.5,
  requestsMin: 10,
  windowMs: 10_000,
  openMs: 1_000,
  openMsMax: 8_000,
  probeMsMax: 1_000_000,
  slowStartMs: 1_000,
}

/** One that began before all that this test opens. */
const attempted = (isProbe: boolean) => ({ isProbe, began: 0, ended: 0 })

function fail(breaker: Breaker, times: number, now: number): void {
  for (let count = 0; count < times; count++) breaker.failed(now, attempted(breaker.begin(now)))
}

test('opens after so many failures in a row, and a success between starts the count anew', () => {
  const breaker = new Breaker(() => rules)
  fail(breaker, 2, 0)
  breaker.succeeded(0, attempted(false))
  fail(breaker, 2, 0)
  expect(breaker.state(0)).toBe('closed')
  fail(breaker, 1, 0)
  expect(breaker.state(0)).toBe('open')
})

test('opens when half of what the window holds has failed, be it never in a row', () => {
  const breaker = new Breaker(() => rules)
  for (let pair = 0; pair < 4; pair++) {
    breaker.succeeded(pair, attempted(false))
    breaker.failed(pair, attempted(false))
  }
  expect(breaker.state(5)).toBe('closed')
  breaker.succeeded(6, attempted(false))
  breaker.failed(7, attempted(false))
  expect(breaker.state(7)).toBe('open')
})

test('what left the window counts no more', () => {
  const breaker = new Breaker(() => rules)
  for (let count = 0; count < 4; count++) {
    breaker.failed(0, attempted(false))
    breaker.succeeded(0, attempted(false))
  }
  expect(breaker.counts(0)).toEqual({ attempts: 8, failures: 4 })
  expect(breaker.counts(20_000)).toEqual({ attempts: 0, failures: 0 })
})

test('after its time one probe decides: sound closes it, failing opens it for twice as long, up to the most', () => {
  const breaker = new Breaker(() => rules)
  fail(breaker, 3, 0)
  let now = 0
  for (const openMs of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    expect(breaker.openUntil).toBe(now + openMs)
    expect(breaker.state(now + openMs - 1)).toBe('open')
    now += openMs
    expect(breaker.state(now)).toBe('probe')
    expect(breaker.begin(now)).toBe(true)
    expect(breaker.state(now)).toBe('open')
    expect(breaker.begin(now)).toBe(false)
    breaker.failed(now, attempted(true))
  }
  now += 8_000
  breaker.succeeded(now, attempted(breaker.begin(now)))
  expect(breaker.state(now)).toBe('closed')
  fail(breaker, 3, now)
  expect(breaker.openUntil).toBe(now + 1_000)
})

test('a success that began after it opened closes it, one that was under way does not', () => {
  const breaker = new Breaker(() => rules)
  for (let count = 1; count <= 3; count++)
    breaker.failed(0, { isProbe: false, began: count, ended: 10 + count })
  expect(breaker.succeeded(1, { isProbe: false, began: 12, ended: 14 })).toBe(false)
  expect(breaker.state(1)).toBe('open')
  expect(breaker.succeeded(1, { isProbe: false, began: 14, ended: 15 })).toBe(true)
  expect(breaker.state(1)).toBe('closed')
})

test('rules that change count for breakers that are known', () => {
  let now: BreakerRules = { ...rules, failuresMax: 100, requestsMin: 100 }
  const breaker = new Breaker(() => now)
  fail(breaker, 3, 0)
  expect(breaker.state(0)).toBe('closed')
  now = rules
  fail(breaker, 1, 0)
  expect(breaker.state(0)).toBe('open')
})

test('a probe whose client left gives its place back', () => {
  const breaker = new Breaker(() => rules)
  fail(breaker, 3, 0)
  breaker.undecided(breaker.begin(1_000))
  expect(breaker.state(1_000)).toBe('probe')
})

test('a probe of which nothing is heard any more does not keep it open for good', () => {
  const breaker = new Breaker(() => rules)
  fail(breaker, 3, 0)
  expect(breaker.begin(1_000)).toBe(true)
  expect(breaker.state(1_000_999)).toBe('open')
  expect(breaker.begin(1_001_000)).toBe(true)
})

test('failures that were under way when it opened do not prolong it', () => {
  const breaker = new Breaker(() => rules)
  fail(breaker, 3, 0)
  for (let count = 0; count < 50; count++) breaker.failed(500, attempted(false))
  expect(breaker.openUntil).toBe(1_000)
})

test('after its return it gets its share back little by little', () => {
  const breaker = new Breaker(() => rules)
  expect(breaker.share(0)).toBe(1)
  fail(breaker, 3, 0)
  breaker.succeeded(1_000, attempted(breaker.begin(1_000)))
  expect([1_000, 1_500, 2_000].map(now => breaker.share(now))).toEqual([0.1, 0.55, 1])
})

test('whatever comes, at most one probe is under way, and an open one always comes to its probe', () => {
  const step = fc.record({ after: fc.nat(3_000), kind: fc.constantFrom('begin', 'ok', 'failed', 'gone') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const breaker = new Breaker(() => rules)
      let now = 0
      const underWay: boolean[] = []
      for (const { after, kind } of steps) {
        now += after
        if (kind === 'begin') underWay.push(breaker.begin(now))
        else {
          const isProbe = underWay.shift() ?? false
          if (kind === 'ok') breaker.succeeded(now, attempted(isProbe))
          else if (kind === 'failed') breaker.failed(now, attempted(isProbe))
          else breaker.undecided(isProbe)
        }
        expect(underWay.filter(Boolean).length).toBeLessThanOrEqual(1)
      }
      for (const isProbe of underWay) breaker.undecided(isProbe)
      expect(breaker.state(now + rules.openMsMax)).not.toBe('open')
    }),
  )
})
