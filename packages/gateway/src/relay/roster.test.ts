import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRoster } from './roster.ts'
import { readRetryAfter } from './upstream/retry-after.ts'

test('a roster holds what was added and not removed, for any order of doing so', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20))), steps => {
      const entries = Array.from({ length: 21 }, () => ({ place: -1 }))
      const roster = createRoster<{ place: number }>()
      const expected = new Set<{ place: number }>()
      for (const [isAdded, index] of steps) {
        const entry = entries[index]
        if (entry === undefined) continue
        if (isAdded && !expected.has(entry)) {
          roster.add(entry)
          expected.add(entry)
        } else if (!isAdded) {
          expect(roster.remove(entry)).toBe(expected.delete(entry))
        }
      }
      expect(new Set(roster)).toEqual(expected)
      expect(roster.size).toBe(expected.size)
    }),
  )
})

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1_500],
  [{ 'retry-after': 'Wed, 25 Nov 2026 10:00:10 GMT' }, 10_000],
  [{ 'retry-after': 'Wed, 25 Nov 2026 09:00:00 GMT' }, 0],
  [{ 'retry-after': '999999' }, 999_999_000],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('%j asks to wait %s ms', (headers: Readonly<Record<string, string>>, expected) => {
  expect(
    readRetryAfter(
      name => headers[name],
      () => Date.parse('2026-11-25T10:00:00Z'),
    ),
  ).toBe(expected)
})
