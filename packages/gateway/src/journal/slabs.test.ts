import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSlabs } from './slabs.ts'

test('what waits stays as it was written, however much is written and given back meanwhile', () => {
  const text = fc
    .tuple(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 300_000, max: 400_000 })),
    )
    .map(([word, times]) => word.repeat(Math.ceil(times / Math.max(1, word.length))))
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat(3)), { maxLength: 60 }), steps => {
      const slabs = createSlabs()
      const waiting: { bytes: Buffer; text: string }[] = []
      for (const [written, released] of steps) {
        waiting.push({ bytes: slabs.encode(written), text: written })
        for (let count = 0; count < released && waiting.length > 1; count++) {
          const oldest = waiting.shift()
          if (oldest !== undefined) slabs.release(oldest.bytes)
        }
        for (const entry of waiting) expect(entry.bytes.equals(Buffer.from(entry.text))).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
})

test('a text larger than a slab has a buffer of its own', () => {
  const text = 'é'.repeat(700_000)
  expect(createSlabs().encode(text).toString()).toBe(text)
})

test('a large text between two views of one slab frees neither', () => {
  const slabs = createSlabs()
  const first = slabs.encode('first')
  const large = slabs.encode('X'.repeat(400_000))
  const second = slabs.encode('second')
  slabs.encode('b'.repeat(349_000))
  slabs.encode('b'.repeat(349_000))
  slabs.release(first)
  slabs.release(large)
  for (let count = 0; count < 8; count++) slabs.encode('c'.repeat(349_000))
  expect(second.toString()).toBe('second')
})
