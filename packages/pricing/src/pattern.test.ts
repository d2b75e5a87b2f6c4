import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePatterns, matchesPattern } from './pattern.ts'

test.each([
  ['gpt-4o', 'gpt-4o', true],
  ['gpt-4o', 'gpt-4o-mini', false],
  ['gpt-4o', 'GPT-4o', false],
  ['*', '', true],
  ['qwen*', 'qwen', true],
  ['qwen*', 'qwen3-max', true],
  ['qwen*', 'my-qwen', false],
  ['*-preview', 'o1-preview', true],
  ['*-preview', 'o1-preview-2', false],
  ['ab*ba', 'aba', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['*ab*ab*', 'ab', false],
  ['a**c', 'ac', true],
  ['gpt-4.1*', 'gpt-4x1', false],
])('%s on %s: %s', (pattern, name, fits) => {
  expect(matchesPattern(pattern, name)).toBe(fits)
})

test('patterns mean what the same regular expression means', () => {
  const letters = fc.stringMatching(/^[ab]{0,8}$/)
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*]{0,6}$/), letters, (pattern, name) => {
      const same = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      expect(matchesPattern(pattern, name)).toBe(same.test(name))
    }),
    { numRuns: 1_000 },
  )
})

const find = compilePatterns([
  ['*', 'all'],
  ['qwen*', 'qwen'],
  ['qwen3-*', 'qwen3'],
  ['qwen3-max', 'exact'],
  ['*-max', 'max'],
  ['twice', 'first'],
  ['twice', 'last'],
])

test.each([
  { says: 'an exact name comes before any pattern', name: 'qwen3-max', gives: 'exact' },
  { says: 'the longest pattern wins', name: 'qwen3-coder', gives: 'qwen3' },
  { says: 'of two as long, the one with the longer beginning', name: 'qwen-max', gives: 'qwen' },
  { says: 'the shortest pattern takes the rest', name: 'gpt-4o', gives: 'all' },
  { says: 'the last of equal entries counts', name: 'twice', gives: 'last' },
])('$says', ({ name, gives }) => {
  expect(find(name)).toBe(gives)
})

test('a name that nothing fits has no value', () => {
  expect(compilePatterns([['qwen*', 1]])('gpt-4o')).toBeUndefined()
})
