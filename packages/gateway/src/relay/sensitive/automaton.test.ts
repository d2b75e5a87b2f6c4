import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAutomaton, foldText, start } from './automaton.ts'

function finds(words: readonly string[], text: string): boolean {
  const automaton = createAutomaton(words)
  const folded = foldText(text)
  let state = start
  for (let at = 0; at < folded.length; at++) {
    state = automaton.next(state, folded.charCodeAt(at))
    if (automaton.isEnd(state)) return true
  }
  return false
}

test.each([
  { says: 'a word within a text', words: ['bad'], text: 'not so bad at all', is: true },
  { says: 'whatever its case', words: ['BaD'], text: 'BAd', is: true },
  { says: 'beyond ASCII too', words: ['ÄRGER'], text: 'ärger', is: true },
  { says: 'Chinese', words: ['敏感词'], text: '这里有敏感词吗', is: true },
  { says: 'characters outside the first plane', words: ['😀😀'], text: 'a😀😀', is: true },
  { says: 'a word that begins within another', words: ['abcd', 'bce'], text: 'abce', is: true },
  { says: 'a word that ends another', words: ['she', 'he'], text: 'the', is: true },
  { says: 'nothing where nothing is', words: ['bad', 'badly'], text: 'ba d', is: false },
  { says: 'nothing without words', words: ['', ''], text: 'bad', is: false },
])('finds $says', ({ words, text, is }) => {
  expect(finds(words, text)).toBe(is)
})

test('finds what a naive search finds', () => {
  const letters = fc.stringMatching(/^[abAB敏感İß]{0,12}$/)
  const words = fc.array(fc.stringMatching(/^[abAB敏感İß]{1,5}$/), { maxLength: 8 })
  fc.assert(
    fc.property(words, letters, (list, text) => {
      const naive = list.some(word => foldText(text).includes(foldText(word)))
      expect(finds(list, text)).toBe(naive)
    }),
    { numRuns: 2_000 },
  )
})

test('takes as many words as the option allows', () => {
  const words = Array.from({ length: 20_000 }, (_, index) => `word-${index.toString(36)}-end`)
  expect(finds(words, `x word-${(19_999).toString(36)}-end`)).toBe(true)
  expect(finds(words, 'word-zzzz-end')).toBe(false)
})
