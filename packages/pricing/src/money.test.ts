import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUsd, nanoUsd, parseUsd } from './money.ts'
import { PricingError } from './pricing-error.ts'

test.each([
  { says: 'a whole amount', text: '10', nanos: 10_000_000_000n },
  { says: 'cents', text: '10.00', nanos: 10_000_000_000n },
  { says: 'the smallest amount', text: '0.000000001', nanos: 1n },
  { says: 'an amount below zero', text: '-12.345678901', nanos: -12_345_678_901n },
  { says: 'minus zero as zero', text: '-0', nanos: 0n },
  { says: 'the largest amount that 64 bits hold', text: '9223372036.854775807', nanos: 2n ** 63n - 1n },
])('reads $says', ({ text, nanos }) => {
  expect(parseUsd(text)).toBe(nanos)
})

test.each(['', '.5', '5.', '1e3', '+1', '1,5', ' 1', '0.0000000001', '9223372036.854775808', '0x1', 'NaN'])(
  'refuses %j',
  text => {
    expect(() => parseUsd(text)).toThrow(PricingError)
  },
)

test.each([
  [0n, '0.000000000'],
  [12_345_678_901n, '12.345678901'],
  [-1n, '-0.000000001'],
  [-12_345_678_901n, '-12.345678901'],
])('prints %s as %s', (nanos, text) => {
  expect(formatUsd(nanoUsd(nanos))).toBe(text)
})

test('every 64-bit amount is read back as it was printed', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), nanos => {
      expect(parseUsd(formatUsd(nanoUsd(nanos)))).toBe(nanos)
    }),
  )
})
