import { expect, test } from 'vitest'
import { describeLimits, limits, resolveLimits } from './limits.ts'

const GiB = 1024 ** 3
const MiB = 1024 ** 2

test.each([
  { says: 'a quarter of the memory holds bodies', memoryBytes: GiB, bodies: 256 * MiB, body: 128 * MiB },
  { says: 'at most 512 MiB hold bodies', memoryBytes: 64 * GiB, bodies: 512 * MiB, body: 128 * MiB },
  {
    says: 'on a small machine a body is no larger than all bodies',
    memoryBytes: 256 * MiB,
    bodies: 64 * MiB,
    body: 64 * MiB,
  },
])('$says', ({ memoryBytes, bodies, body }) => {
  const values = resolveLimits({ bodyBytesMax: 128 * MiB, memoryBytes })
  expect(values.bodiesInFlightBytesMax).toBe(bodies)
  expect(values.bodyBytesMax).toBe(body)
})

test('every limit has a value above zero and a sentence', () => {
  const lines = describeLimits()
  expect(lines.map(({ name }) => name).sort()).toEqual(Object.keys(limits).sort())
  expect(lines.filter(({ value, about }) => !(value > 0) || !about.endsWith('.'))).toEqual([])
})
