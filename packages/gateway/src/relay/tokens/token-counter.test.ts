import { afterAll, expect, test } from 'vitest'
import { createTokenCounter, roughCount } from './token-counter.ts'
import { textOfBody } from './token-text.ts'

const limits = {
  tokenCountsPendingMax: 2,
  tokenCountCharsMax: 10_000,
  tokenCountTimeoutMs: 20_000,
  tokenWorkerIdleMs: 60_000,
}
const counter = createTokenCounter({ limits, onFailure: error => expect.unreachable(String(error)) })
afterAll(() => counter.close())

test('words are counted by the tokenizer, of a body only what the model reads', async () => {
  const body = JSON.stringify({
    model: 'a-very-long-model-name-indeed',
    messages: [{ role: 'user', content: 'Say hello.' }],
  })
  const { body: input, text: output } = await counter.count({ body, text: '{"a":1}' })
  expect(input).toBeGreaterThanOrEqual(4)
  expect(input).toBeLessThan(10)
  expect(output).toBe(5)
})

test('nothing counts as nothing, and what is too long is counted roughly', async () => {
  expect(await counter.count({ body: '', text: '' })).toEqual({ body: 0, text: 0 })
  expect(await counter.count({ body: '', text: 'x'.repeat(20_000) })).toEqual({ body: 0, text: 5_000 })
})

test('more questions than the queue holds are answered roughly, at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => counter.count({ body: '', text: 'one two three four' })),
  )
  expect(answers.filter(({ text }) => text === 4)).toHaveLength(2)
  expect(answers.filter(({ text }) => text === roughCount('one two three four'))).toHaveLength(3)
})

test('images in base64 are no words', () => {
  const image = `data:image/png;base64,${'A'.repeat(100)}`
  expect(
    textOfBody(JSON.stringify({ messages: [{ content: [{ image_url: { url: image } }, { text: 'hi' }] }] })),
  ).not.toContain('AAAA')
})
