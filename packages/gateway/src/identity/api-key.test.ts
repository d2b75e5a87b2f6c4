import { expect, test } from 'vitest'
import { hashApiKey, hintOf, makeApiKey } from './api-key.ts'

test('a new key is sk- and 48 letters and digits, and no two are the same', () => {
  const keys = new Set(Array.from({ length: 1_000 }, makeApiKey))
  expect(keys.size).toBe(1_000)
  expect([...keys].filter(key => !/^sk-[A-Za-z0-9]{48}$/.test(key))).toEqual([])
})

test('the hash is SHA-256 of the whole key', () => {
  expect(hashApiKey('sk-abc')).toBe('1460db1b6902f8b1fc2a40d9381a24d0fd22c3bc1b2c6f999c521da73776fbe0')
})

test.each([
  { key: 'sk-0123456789abcdef4f2a', hint: 'sk-…4f2a' },
  { key: 'imported-key-without-prefix', hint: '…efix' },
])('the hint of $key is $hint', ({ key, hint }) => {
  expect(hintOf(key)).toBe(hint)
})
