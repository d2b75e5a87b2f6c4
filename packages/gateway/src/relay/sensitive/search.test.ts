import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAutomaton, foldText } from './automaton.ts'
import { SensitiveSearch } from './search.ts'

function finds(json: string, words: readonly string[], slice = 1_000_000): boolean {
  const bytes = Buffer.from(json)
  const search = new SensitiveSearch(bytes, [{ start: 0, end: bytes.length }], createAutomaton(words))
  let turns = 0
  while (!search.run(slice))
    if (++turns > bytes.length * 4 + 10) throw new Error('it does not come to its end')
  return search.isFound
}

const base64 = Buffer.from('x'.repeat(300)).toString('base64')

describe('finds the word', () => {
  test.each([
    ['in a text', '"so bad"'],
    ['in any depth', '[{"content":[{"type":"text","text":"so bad"}]}]'],
    ['in an array of texts', '["good","bad"]'],
    ['behind an object in an array', '[{"type":"text"},"bad"]'],
    ['in another case', '"BAD"'],
    ['with escapes', '"b\\u0061d"'],
    ['with escapes in capitals', '"\\u0042\\u0041\\u0044"'],
    ['behind other escapes', '"\\"\\\\\\n\\tbad"'],
    ['in what calls itself a type and is long', `{"type":"${'x'.repeat(64)}bad"}`],
    ['in a file that is no base64', `{"data":"${'x'.repeat(200)} bad"}`],
    ['in what begins as base64', `{"url":"data:image/png;base64,${base64}? bad"}`],
    ['in a name that is not read to its end', `{"${'n'.repeat(100)}":"bad"}`],
    ['in a name that nobody but the client gave', '[{"input":{"so bad":1}}]'],
    ['in a name with escapes', '{"b\\u0061d":{}}'],
    ['in an address or file without a head', `{"file_data":"bad${'A'.repeat(140)}"}`],
    ['in a tool’s input', '[{"type":"tool_use","input":{"query":"bad"}}]'],
  ])('%s', (_, json) => {
    expect(finds(json, ['bad'])).toBe(true)
    for (const slice of [1, 2, 3, 7]) expect(finds(json, ['bad'], slice)).toBe(true)
  })
})

describe('does not find', () => {
  test.each([
    ['a name that stands in every request', '[{"content":[{"text":"x"}],"properties":{"type":1}}]'],
    ['what a part is', '[{"type":"bad","role":"bad","id":"bad"}]'],
    ['base64 of a file', `{"data":"${base64}bad"}`],
    ['base64 behind its head', `{"image_url":{"url":"data:image/png;base64,${base64}bad"}}`],
    ['base64 with escaped slashes', `{"data":"${base64}\\/bad"}`],
    ['a word that two strings make', '["b","ad"]'],
    ['an escape that is no word', '"b\\u0000ad"'],
    ['a number or a literal', '[1234,true,null]'],
  ])('%s', (_, json) => {
    const words = ['bad', '234', 'true', 'content', 'prop']
    expect(finds(json, words)).toBe(false)
    for (const slice of [1, 5]) expect(finds(json, words, slice)).toBe(false)
  })
})

test('finds what a naive search in the parsed value finds, however it is written and cut', () => {
  const text = fc.stringMatching(/^[ab敏感"\\/😀é\n]{0,8}$/u)
  const value = fc.letrec(tie => ({
    node: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.constantFrom(1, true, null),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', '敏b', 'text', 'content', 'input'), tie('node'), { maxKeys: 4 }),
    ),
  })).node
  const words = fc.array(fc.stringMatching(/^[ab敏感"\\/é\n]{1,3}$|^😀$/), { maxLength: 4 })
  fc.assert(
    fc.property(
      value,
      words,
      fc.boolean(),
      fc.nat(2),
      fc.integer({ min: 1, max: 40 }),
      (found, list, escapes, indent, slice) => {
        const plain = JSON.stringify(found, undefined, indent)
        const json = escapes
          ? plain.replace(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          : plain
        const naive = textsOf(found).some(each => list.some(word => foldText(each).includes(foldText(word))))
        expect(finds(json, list, slice)).toBe(naive)
      },
    ),
    { numRuns: 3_000 },
  )
})

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  const names = Array.isArray(value) ? [] : Object.keys(value).filter(name => name === 'a' || name === '敏b')
  return [...names, ...Object.values(value).flatMap(textsOf)]
}

test('of any bytes comes to an end', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.stringMatching(/^["\\{}[\],:u0a ]{0,40}$/),
      (bytes, text) => {
        const all = Buffer.concat([Buffer.from(text), Buffer.from(bytes)])
        const search = new SensitiveSearch(all, [{ start: 0, end: all.length }], createAutomaton(['a']))
        let turns = 0
        while (!search.run(3)) expect(++turns).toBeLessThan(1_000)
      },
    ),
    { numRuns: 2_000 },
  )
})
