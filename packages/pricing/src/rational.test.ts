import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PricingError } from './pricing-error.ts'
import { add, multiply, parseRatio, roundHalfUp } from './rational.ts'

test.each([
  ['0', { num: 0n, den: 1n }],
  ['2.50', { num: 5n, den: 2n }],
  ['0.000000000001', { num: 1n, den: 1_000_000_000_000n }],
  ['25/3', { num: 25n, den: 3n }],
  ['50/6', { num: 25n, den: 3n }],
])('%s is read exactly', (text, ratio) => {
  expect(parseRatio(text)).toEqual(ratio)
})

test.each([
  '',
  '-1',
  '+1',
  '1e3',
  '.5',
  '1.',
  '1/0',
  '1/-3',
  '1/2/3',
  '0.0000000000001',
  '1 / 2',
  'Infinity',
])('refuses %j', text => {
  expect(() => parseRatio(text)).toThrow(PricingError)
})

test.each([
  [0n, 7n, 0n],
  [1n, 3n, 0n],
  [1n, 2n, 1n],
  [3n, 2n, 2n],
  [15_000_000n, 73n, 205_479n],
])('%s/%s rounds to %s', (num, den, nearest) => {
  expect(roundHalfUp({ num, den })).toBe(nearest)
})

const rational = fc.record({
  num: fc.bigInt({ min: 0n, max: 10n ** 24n }),
  den: fc.bigInt({ min: 1n, max: 10n ** 12n }),
})

test('rounding never moves by more than a half, and a half goes up', () => {
  fc.assert(
    fc.property(rational, ({ num, den }) => {
      const excess = 2n * (roundHalfUp({ num, den }) * den - num)
      expect(excess > -den && excess <= den).toBe(true)
    }),
  )
})

test('multiplying distributes over adding', () => {
  fc.assert(
    fc.property(rational, rational, rational, (left, right, factor) => {
      const together = multiply(add(left, right), factor)
      const apart = add(multiply(left, factor), multiply(right, factor))
      expect(together.num * apart.den).toBe(apart.num * together.den)
    }),
  )
})
