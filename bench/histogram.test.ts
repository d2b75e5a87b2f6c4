import { expect, test } from 'vitest'
import { bucketOf, createHistogram } from './histogram.ts'

test('quantiles of 1 to 100,000 µs are within one percent', () => {
  const histogram = createHistogram()
  for (let value = 1; value <= 100_000; value++) histogram.record(value)
  for (const share of [0.01, 0.5, 0.9, 0.99, 0.999]) {
    expect(Math.abs(histogram.quantile(share) / (share * 100_000) - 1)).toBeLessThan(0.01)
  }
  expect(histogram.summary()).toMatchObject({ count: 100_000, minUs: 1, maxUs: 100_000 })
})

test('buckets never go down as values go up, and stay in bounds', () => {
  let last = 0
  for (let value = 0; value < 2 ** 40; value = Math.ceil(value * 1.01) + 1) {
    const bucket = bucketOf(value)
    expect(bucket).toBeGreaterThanOrEqual(last)
    last = bucket
  }
  expect(last).toBeLessThan(30 * 128)
})

test('a single value is its own median, whatever its bucket', () => {
  const histogram = createHistogram()
  histogram.record(1_234_567.8)
  expect(histogram.quantile(0.5)).toBe(1_234_567.8)
})

test('an empty histogram has zeros and no infinities', () => {
  expect(createHistogram().summary()).toEqual({ count: 0, minUs: 0, p50Us: 0, p90Us: 0, p99Us: 0, maxUs: 0 })
})
