import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fault, keys, type Stage, startStage } from './stage.ts'

const contents = [
  'sim',
  'sim-tools',
  'sim-paralleltools',
  'sim-reasoning',
  'sim-unicode',
  'sim-cached',
  'sim-choices',
]
const sizes = [1, 2, 3, 4, 5, 6, 7, 11, 16, 64, 1_000]
const newlines = ['lf', 'crlf', 'cr']
const models = contents.flatMap(content =>
  newlines.flatMap(newline => sizes.map(size => `${content}-${newline}-bytes${size}`)),
)

/** Unusual, but whole: what the clients make of it is theirs to decide. */
const oddities = [
  'comment-flood',
  'ping-flood',
  'no-space',
  'multi-line-data',
  'byte-order-mark',
  'other-fields',
  'unknown-events',
  'unknown-finish',
  'missing-usage',
  'zero-usage',
  'odd-usage',
  'huge-usage',
  'other-model',
  'deep-json',
  'utf8-broken',
  'huge-line',
  'early-hints',
  'http-1-0',
  'close-after-answer',
].map(fault)

/** The simulator breaks the line at the first comma, which is one of the text in Gemini's sixth event: no JSON any more. */
const isCutWithinText = (model: string) => model === fault('multi-line-data')

let stage: Stage
beforeAll(async () => {
  stage = await startStage({ models: [...models, ...oddities] })
})
afterAll(() => stage.close())

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const names = ['weather', 'news']
const messages = [{ role: 'user', content: 'Hi' }]

/** Path, the header with the key, and a body that the gateway has no reason to edit. */
const streams = {
  chat: (model: string) => ({
    path: '/v1/chat/completions',
    key: 'authorization',
    body: {
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      tools: names.map(name => ({ type: 'function', function: { name, parameters } })),
    },
  }),
  completions: (model: string) => ({
    path: '/v1/completions',
    key: 'authorization',
    body: { model, prompt: 'Hi', stream: true, stream_options: { include_usage: true } },
  }),
  responses: (model: string) => ({
    path: '/v1/responses',
    key: 'authorization',
    body: {
      model,
      input: 'Hi',
      stream: true,
      tools: names.map(name => ({ type: 'function', name, parameters, strict: false })),
    },
  }),
  anthropic: (model: string) => ({
    path: '/v1/messages',
    key: 'x-api-key',
    body: {
      model,
      messages,
      max_tokens: 1_000,
      stream: true,
      tools: names.map(name => ({ name, input_schema: parameters })),
    },
  }),
  gemini: (model: string) => ({
    path: `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
    key: 'x-goog-api-key',
    body: {
      contents: [{ parts: [{ text: 'Hi' }] }],
      tools: [{ functionDeclarations: names.map(name => ({ name, parametersJsonSchema: parameters })) }],
    },
  }),
} as const

async function read(
  url: string,
  secret: string,
  { path, key, body }: ReturnType<(typeof streams)[keyof typeof streams]>,
): Promise<string> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      [key]: key === 'authorization' ? `Bearer ${secret}` : secret,
    },
    body: JSON.stringify(body),
  })
  return `${response.status} ${await response.text()}`
}

const cases = Object.entries(streams).flatMap(([dialect, ask]) =>
  contents.map(content => ({ dialect, ask, content })),
)

describe('a stream that nothing has to be changed in', () => {
  test.each(cases)(
    '$dialect, $content: passes byte by byte, wherever it was cut',
    async ({ ask, content }) => {
      for (const newline of newlines) {
        for (const size of sizes) {
          const asked = ask(`${content}-${newline}-bytes${size}`)
          const direct = await read(stage.simulator.url, 'any', asked)
          expect(direct).toMatch(/^200 (event|data):/)
          expect(await read(stage.url, keys.good, asked)).toBe(direct)
        }
      }
    },
  )

  test.each(
    Object.entries(streams)
      .flatMap(([dialect, ask]) => oddities.map(model => ({ dialect, ask, model })))
      .filter(({ dialect, model }) => dialect !== 'gemini' || !isCutWithinText(model)),
  )('$dialect, $model: passes byte by byte', async ({ ask, model }) => {
    const direct = await read(stage.simulator.url, 'any', ask(model))
    expect(direct).toMatch(/^200 \W*/)
    expect(await read(stage.url, keys.good, ask(model))).toBe(direct)
  })
})
