import { expect, test } from 'vitest'
import { differences, growthFromMiddle, median, ratios } from './statistics.ts'

test.each([
  { says: 'one value', values: [3], gives: 3 },
  { says: 'an odd number, unsorted', values: [9, 1, 5], gives: 5 },
  { says: 'an even number', values: [4, 1, 3, 2], gives: 2.5 },
  { says: 'numbers, not words', values: [10, 9, 100], gives: 10 },
  { says: 'nothing', values: [], gives: Number.NaN },
])('the median of $says', ({ values, gives }) => {
  expect(median(values)).toBe(gives)
})

test('a ratio is taken pair by pair, so a slow spell of the machine cancels out', () => {
  const pairs = [
    { floor: 100, subject: 150 },
    { floor: 300, subject: 450 },
    { floor: 100, subject: 160 },
  ]
  expect(ratios(pairs, value => value)).toEqual({ median: 1.5, min: 1.5, max: 1.6 })
  expect(differences(pairs, value => value)).toEqual({ median: 60, min: 50, max: 150 })
})

test('a flat level has no growth, a rising one has', () => {
  expect(growthFromMiddle([50, 90, 100, 100, 100, 100, 100, 100, 100, 100])).toBe(0)
  expect(growthFromMiddle([10, 20, 30, 40, 100, 100, 120, 140, 150, 150])).toBeCloseTo(0.5)
})
