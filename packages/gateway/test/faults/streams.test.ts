import { gzipSync } from 'node:zlib'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { open, rawRequest } from '../hostile/raw.ts'
import { type Answer, ask, type Dialect, dialects, eventsOf, headersOf, startAsking, wordsOf } from './ask.ts'
import { findRecord, readBooks } from './books.ts'
import { eventually, sleep } from './eventually.ts'
import { type Stage, startStage } from './load.ts'

const sentence = 'Hello from the simulator, all is well here.'

/** How a stream may break behind its first content, and what its record calls that. */
const breaks = [
  { fault: 'cut-after-12', outcome: 'upstream_error' },
  { fault: 'cut-in-event-12', outcome: 'upstream_error' },
  { fault: 'reset-mid-stream-12', outcome: 'upstream_error' },
  { fault: 'end-after-12', outcome: 'upstream_error' },
  { fault: 'end-in-event-12', outcome: 'upstream_error' },
  { fault: 'hang-mid-stream-12', outcome: 'upstream_timeout' },
  { fault: 'error-after-12', outcome: undefined },
] as const

const uncounted = ['sim-nousage', 'sim-fault-missing-usage', 'sim-unicode-nousage']
const slow = {
  hangsBeforeHeaders: 'sim-fault-hang-before-headers',
  hangsAfterHeaders: 'sim-fault-hang-after-headers',
  pauses: 'sim-gap500-tokens3',
  beginsLate: 'sim-fault-slow-first-event-1200',
  bytewise: 'sim-tokens3-fault-trickle-1',
} as const

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    more: upstream => ({
      channels: ['openai', 'anthropic', 'gemini'].flatMap(provider => {
        const channel = (name: string, models: readonly string[], settings: object) => ({
          name: `${provider}-${name}`,
          provider,
          baseUrl: upstream,
          keys: ['key'],
          models,
          settings,
        })
        return [
          channel(
            'plain',
            [
              ...uncounted,
              'sim-fault-missing-end',
              'sim-tokens400-gap10',
              'sim-delay2000',
              'sim-tokens60000',
            ],
            {},
          ),
          channel('hasty', [...breaks.map(modelOf), slow.hangsBeforeHeaders, slow.hangsAfterHeaders], {
            firstByteTimeoutMs: 300,
            idleTimeoutMs: 300,
          }),
          channel('pinged', [slow.pauses, slow.beginsLate, slow.bytewise], { pingIntervalMs: 100 }),
        ]
      }),
    }),
  })
})
afterAll(() => stage.close())

const modelOf = ({ fault }: { readonly fault: string }) => `sim-tokens30-fault-${fault}`

/** How each dialect says within a stream that there will be no end. */
const errorFrames = {
  chat: /\ndata: \{"error":\{"message":"[^\n]*\}\}\n\ndata: \[DONE\]\n\n$/,
  responses: /\nevent: (?:response\.failed|error)\ndata: \{[^\n]*\}\n\n$/,
  anthropic: /\nevent: error\ndata: \{"type":"error","error":\{[^\n]*\}[^\n]*\}\n\n$/,
  gemini: /\ndata: \{"error":\{"code":5\d\d,[^\n]*\}\}\r?\n\r?\n$/,
} as const satisfies Record<Dialect, RegExp>

describe('a stream that breaks behind its first content', () => {
  test.concurrent.each(dialects.flatMap(dialect => breaks.map(way => ({ dialect, ...way }))))(
    "$dialect, $fault: ends with an error in the client's protocol, and what was delivered is charged",
    async ({ dialect, fault, outcome }) => {
      const { gateway } = stage
      const answer = await ask(gateway.url, { dialect, model: modelOf({ fault }), isStreaming: true })
      expect(answer).toMatchObject({ status: 200, isWhole: false, error: undefined })
      expect(answer.text).toMatch(errorFrames[dialect])
      eventsOf(answer.text) // every event is whole
      const words = wordsOf(dialect, answer.text)
      expect(words).not.toBe('')
      const record = await findRecord(gateway.dataDir, answer.id)
      expect(record).toMatchObject({
        class: outcome ?? expect.stringMatching(/^(upstream_error|overloaded)$/),
        source: 'counted',
      })
      expect(record.usage?.output).toBe(countTokens(words))
      expect(record.amount).toBe(amountOf(record.usage))
      expect(record.amount).toBeGreaterThan(0n)
    },
  )
})

function amountOf(usage: { readonly input?: number; readonly output?: number } | undefined): bigint {
  return BigInt(usage?.input ?? 0) * 2_500n + BigInt(usage?.output ?? 0) * 10_000n
}

describe('an upstream that does not say what it used', () => {
  test.concurrent.each(
    dialects.flatMap(dialect =>
      uncounted.flatMap(model => [true, false].map(isStreaming => ({ dialect, model, isStreaming }))),
    ),
  )(
    '$dialect, $model, streamed $isStreaming: the tokens are estimated, and marked so',
    async ({ dialect, model, isStreaming }) => {
      const { gateway } = stage
      const answer = await ask(gateway.url, { dialect, model, isStreaming })
      expect(answer.isWhole).toBe(true)
      const record = await findRecord(gateway.dataDir, answer.id)
      expect(record).toMatchObject({ class: 'ok', source: 'estimated' })
      const words = isStreaming ? wordsOf(dialect, answer.text) : sentence
      if (isStreaming || !model.includes('unicode')) expect(record.usage?.output).toBe(countTokens(words))
      expect(record.usage?.output).toBeGreaterThan(5)
      expect(record.usage?.input).toBeGreaterThan(0)
      expect(record.amount).toBe(amountOf(record.usage))
    },
  )
})

test.concurrent.each([
  { dialect: 'chat', ends: /data: \[DONE\]\n\n$/ },
  { dialect: 'anthropic', ends: /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/ },
] as const)('$dialect: a terminator that the upstream leaves out is put in', async ({ dialect, ends }) => {
  const { gateway } = stage
  const answer = await ask(gateway.url, { dialect, model: 'sim-fault-missing-end', isStreaming: true })
  expect(answer.text).toMatch(ends)
  expect(wordsOf(dialect, answer.text)).toBe(sentence)
  expect(await findRecord(gateway.dataDir, answer.id)).toMatchObject({ class: 'ok' })
})

describe('time limits', () => {
  test.concurrent.each(
    dialects.flatMap(dialect =>
      [slow.hangsBeforeHeaders, slow.hangsAfterHeaders].flatMap(model =>
        [true, false].map(isStreaming => ({ dialect, model, isStreaming })),
      ),
    ),
  )(
    '$dialect, $model, streamed $isStreaming: is given up at firstByteTimeoutMs',
    async ({ dialect, model, isStreaming }) => {
      const startedAt = performance.now()
      const answer = await ask(stage.gateway.url, { dialect, model, isStreaming })
      expect(answer.status).toBe(504)
      expect(JSON.parse(answer.text).error).toBeTypeOf('object')
      expect(performance.now() - startedAt).toBeGreaterThan(290)
      expect(performance.now() - startedAt).toBeLessThan(3_000)
      expect(await findRecord(stage.gateway.dataDir, answer.id)).toMatchObject({
        class: 'upstream_timeout',
        amount: 0n,
      })
    },
  )
})

/** Also Anthropic's clients get comments before their first event: it must be `message_start`. */
const comment = ': ping\n\n'
const pings = {
  chat: ': ping\n\n',
  responses: ': ping\n\n',
  anthropic: 'event: ping\ndata: {"type": "ping"}\n\n',
  gemini: ': ping\n\n',
} as const satisfies Record<Dialect, string>

/** What is not one of ours, in the order in which it came; every event whole. */
function withoutPings({ question: { dialect }, text }: Answer): { count: number; rest: string } {
  const pieces = text.split(pings[dialect]).flatMap(piece => piece.split(comment))
  return { count: pieces.length - 1, rest: pieces.join('') }
}

describe('pings', () => {
  test.concurrent.each(dialects)('%s: go out between events while the upstream is silent', async dialect => {
    const answer = await ask(stage.gateway.url, { dialect, model: slow.pauses, isStreaming: true })
    const { count, rest } = withoutPings(answer)
    expect(answer.isWhole).toBe(true)
    expect(count).toBeGreaterThanOrEqual(2)
    expect(rest).not.toMatch(/(?:^|\n): ping/)
    expect(eventsOf(rest).length).toBeGreaterThan(3)
  })

  test.concurrent.each(dialects)('%s: never within an event, however its bytes trickle in', async dialect => {
    const question = { dialect, model: slow.bytewise, isStreaming: true }
    const [answer, direct] = await Promise.all([
      ask(stage.gateway.url, question),
      ask(stage.simulator.url, question),
    ])
    const { count, rest } = withoutPings(answer)
    expect(count).toBeGreaterThan(0)
    expect(rest).toBe(direct.text)
  })

  test.concurrent.each(dialects)(
    "%s: go out before the first content too, from the upstream's 200 on",
    async dialect => {
      const asked = startAsking(stage.gateway.url, { dialect, model: slow.beginsLate, isStreaming: true })
      await sleep(900)
      const early = asked.text()
      asked.request.destroy()
      expect(early.startsWith(comment)).toBe(true)
    },
  )
})

describe('a client that leaves', () => {
  test.concurrent.each(dialects)(
    '%s: in the midst of a stream cancels the upstream and pays for what it got',
    async dialect => {
      const { gateway, simulator } = stage
      const model = 'sim-tokens400-gap10'
      const asked = startAsking(gateway.url, { dialect, model, isStreaming: true })
      await eventually(asked.text, text => wordsOf(dialect, text ?? '').length > 40)
      asked.request.destroy()
      const answer = await asked.answer
      const seen = await eventually(() =>
        simulator.requests.find(({ path, body }) => isOf({ dialect, model }, path, body)),
      )
      await eventually(
        () => seen.aborted,
        isAborted => isAborted === true,
        2_000,
      )
      expect(seen.completed).toBe(false)
      const record = await findRecord(gateway.dataDir, answer.id)
      expect(record).toMatchObject({ class: 'client_gone', source: 'counted' })
      expect(record.usage?.output).toBeGreaterThanOrEqual(countTokens(wordsOf(dialect, answer.text)))
      expect(record.usage?.output).toBeLessThan(200)
      expect(record.amount).toBe(amountOf(record.usage))
    },
  )

  test.concurrent.each(
    dialects.flatMap(dialect => [true, false].map(isStreaming => ({ dialect, isStreaming }))),
  )(
    '$dialect, streamed $isStreaming: before the head cancels the upstream and pays nothing',
    async ({ dialect, isStreaming }) => {
      const { gateway, simulator } = stage
      const model = 'sim-delay2000'
      const marker = `leaving-${dialect}-${isStreaming}`
      const content = [{ role: 'user', content: marker }]
      const body = {
        chat: { messages: content },
        anthropic: { messages: content },
        responses: { input: marker },
        gemini: { contents: [{ parts: [{ text: marker }] }] },
      }[dialect]
      const asked = startAsking(gateway.url, { dialect, model, isStreaming, body })
      const seen = await eventually(() => simulator.requests.find(request => request.body.includes(marker)))
      asked.request.destroy()
      await asked.answer
      await eventually(
        () => seen.aborted,
        isAborted => isAborted === true,
        1_500,
      )
      expect(seen.completed).toBe(false)
    },
  )
})

test('a client that leaves while its body is decompressed makes nobody work', async () => {
  const { gateway, simulator } = stage
  const marker = 'left-while-it-was-decompressed'
  const body = JSON.stringify({
    model: 'sim-delay2000',
    messages: [{ role: 'user', content: `${'x'.repeat(30_000_000)}${marker}` }],
  })
  const compressed = gzipSync(body)
  const socket = open(gateway.url)
  socket.write(
    rawRequest(
      'POST /v1/chat/completions',
      {
        ...headersOf({ dialect: 'chat', model: '', isStreaming: false }),
        'content-encoding': 'gzip',
        'content-length': String(compressed.length),
      },
      compressed,
    ),
    () => setTimeout(() => socket.destroy(), 10),
  )
  await sleep(700)
  expect(simulator.requests.filter(({ bodyBytes }) => bodyBytes > 30_000_000)).toEqual([])
  const records = [...readBooks(gateway.dataDir).requests.values()].filter(
    ({ attempts }) => attempts.length === 0,
  )
  expect(records).toMatchObject([{ class: 'client_gone' }])
})

function isOf({ dialect, model }: { dialect: Dialect; model: string }, path: string, body: string): boolean {
  const paths = {
    chat: '/chat/completions',
    responses: '/responses',
    anthropic: '/messages',
    gemini: `/${model}:`,
  }
  return path.includes(paths[dialect]) && `${path} ${body}`.includes(model)
}

test('a client that reads slowly pauses its upstream: memory stays flat and nothing is lost', {
  timeout: 60_000,
}, async () => {
  const { gateway, simulator } = stage
  const model = 'sim-tokens60000'
  const before = await residentBytes()
  const asked = startAsking(gateway.url, { dialect: 'chat', model, isStreaming: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  asked.request.on('response', response => {
    response.pause()
    setTimeout(() => {
      resolve()
      response.resume()
    }, 2_000)
  })
  await sleep(1_900)
  const seen = simulator.requests.find(({ body }) => body.includes(model))
  expect(seen?.completed).toBe(false)
  expect((await residentBytes()) - before).toBeLessThan(40 * 1024 * 1024)
  await promise
  const answer = await asked.answer
  expect(answer.isWhole).toBe(true)
  expect(
    eventsOf(answer.text).filter(event => JSON.stringify(event).includes('"content":"')).length,
  ).toBeGreaterThanOrEqual(60_000)
  expect(await findRecord(gateway.dataDir, answer.id)).toMatchObject({
    class: 'ok',
    usage: { output: 60_000 },
  })
})

async function residentBytes(): Promise<number> {
  const metrics = await (await fetch(`${stage.gateway.url}/metrics`)).text()
  return Number(/^yumen_resident_bytes (\S+)$/m.exec(metrics)?.[1])
}
