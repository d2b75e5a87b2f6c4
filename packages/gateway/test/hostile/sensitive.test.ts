import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, bodyOf, type Dialect, dialects, headersOf, pathOf } from '../faults/ask.ts'
import { eventually } from '../faults/eventually.ts'
import { type Stage, startStage } from '../faults/load.ts'
import { askRaw, beside, expectError, rawRequest } from './raw.ts'

let stage: Stage
let url: string
beforeAll(async () => {
  stage = await startStage({
    more: { options: { 'sensitive.enabled': true, 'sensitive.words': ['Forbidden Word', '敏感词'] } },
  })
  url = stage.gateway.url
})
afterAll(async () => {
  try {
    expect(stage.gateway.output()).not.toContain('internal error')
    expect(await stage.gateway.stop()).toBe(0)
  } finally {
    await stage.close()
  }
})

/** Bodies that hold `text` where a client of this dialect puts texts. */
function bodies(dialect: Dialect, text: string): readonly object[] {
  const parts = [{ type: 'text', text }]
  const user = (content: unknown) => [{ role: 'user', content }]
  return {
    chat: [
      { messages: user(text) },
      { messages: user(parts) },
      { tools: [{ type: 'function', function: { name: 'f', description: text } }] },
    ],
    responses: [{ input: text }, { instructions: text }, { input: user([{ type: 'input_text', text }]) }],
    anthropic: [{ messages: user(text) }, { messages: user(parts) }, { system: text }, { system: parts }],
    gemini: [{ contents: [{ parts: [{ text }] }] }, { systemInstruction: { parts: [{ text }] } }],
  }[dialect]
}

function post(dialect: Dialect, body: object, isStreaming = false): Buffer {
  const question = { dialect, model: 'sim', isStreaming }
  const text = bodyOf({ ...question, body }).replaceAll('词', '\\u8bcd')
  return rawRequest(
    `POST ${pathOf(question)}`,
    { ...headersOf(question), 'content-length': String(Buffer.byteLength(text)) },
    text,
  )
}

describe.each(dialects)('%s', dialect => {
  test('a prompt with such a word is refused in the words of the protocol, wherever it stands', async () => {
    const before = stage.simulator.requests.length
    for (const text of ['a FORBIDDEN word', '这里有敏感词吗']) {
      for (const body of bodies(dialect, text)) {
        const answer = await askRaw(url, post(dialect, body))
        if (dialect === 'gemini') {
          expect(answer.status).toBe(200)
          expect(JSON.parse(answer.body).promptFeedback.blockReason).toBe('SAFETY')
        } else expectError(dialect, answer, 400)
        expect(answer.body.toLowerCase()).not.toContain('forbidden word')
        await recorded(answer.headers['x-request-id'])
      }
    }
    expect(stage.simulator.requests.length).toBe(before)
  })

  test('a stream is refused too', async () => {
    const [body = {}] = bodies(dialect, '敏感词')
    const answer = await askRaw(url, post(dialect, body, true))
    expect(answer.status).toBe(dialect === 'gemini' ? 200 : 400)
    if (dialect !== 'gemini') return
    expect(answer.headers['content-type']).toMatch(/^text\/event-stream/)
    expect(JSON.parse(answer.body.slice('data: '.length)).promptFeedback.blockReason).toBe('SAFETY')
  })

  test('other prompts pass', async () => {
    const [body = {}] = bodies(dialect, 'a forbidden sword')
    expect((await ask(url, { dialect, model: 'sim', isStreaming: true, body })).isWhole).toBe(true)
  })
})

async function recorded(id: string | undefined): Promise<void> {
  const record = await eventually(async () =>
    stage.gateway.yumenJson('requests', 'show', String(id)).catch(() => undefined),
  )
  expect(record).toMatchObject({ class: 'content_policy', charge: null, attempts: [] })
}

test('20 MB of text are searched while others are served, and a word at the end is found', async () => {
  const text = `${'an allowed word '.repeat(1_300_000)} forbidden word`
  const answer = await beside(url, () =>
    askRaw(url, post('chat', { messages: [{ role: 'user', content: text }] }), 20_000),
  )
  expectError('chat', answer, 400)
})

test('the list may change and be switched off while the gateway runs', async () => {
  const body = { messages: [{ role: 'user', content: 'forbidden word' }] }
  const status = async () => (await askRaw(url, post('chat', body))).status
  const set = (options: object) => stage.gateway.apply(JSON.stringify({ apiVersion: 'yumen/v1', options }))
  await set({ 'sensitive.words': ['something else'] })
  await eventually(status, found => found === 200)
  await set({ 'sensitive.words': ['bidden'] })
  await eventually(status, found => found === 400)
  await set({ 'sensitive.enabled': false })
  await eventually(status, found => found === 200)
})
