import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Dialect, dialects, wordsOf } from './ask.ts'
import { findRecord } from './books.ts'
import { type Stage, startStage } from './load.ts'

const sentence = 'Hello from the simulator, all is well here.'

/** What another upstream may not have: nobody but the operator needs to know of it. */
const always = [
  'status-401',
  'status-402',
  'status-403',
  'status-408',
  'status-429',
  'status-500',
  'status-502',
  'status-503',
  'status-504',
  'status-520',
  'status-529',
  'rate-limited',
  'rate-limited-date',
  'rate-limited-ms',
  'overloaded',
  'quota-gone',
  'key-revoked',
  'model-missing',
  'region-blocked',
  'reset-before-headers',
  'close-before-headers',
  'reset-in-headers',
  'reset-after-headers',
  'hang-before-headers',
  'hang-after-headers',
  'bad-chunk',
  'not-http',
  'huge-headers',
  'html-502',
  'html-200',
  'text-503',
  'redirect-302',
  'redirect-307',
  'error-in-200',
  'empty-body',
  'garbage-body',
  'gzip-invalid',
  'gzip-broken',
  'http-1-0-fault-empty-body',
]
const whole = [
  'truncated-json',
  'stream-for-whole',
  'cut-after',
  'reset-mid-stream',
  'hang-mid-stream',
  'length-too-long',
]
const streamed = [
  'error-first-event',
  'empty-stream',
  'json-for-stream',
  'wrong-content-type',
  'gzip',
  'cut-after-0',
  'cut-in-event-1',
  'end-after-0',
  'end-in-event-1',
  'hang-mid-stream-0',
  'error-after-0',
  'only-end',
]
const faults = [...new Set([...always, ...whole, ...streamed])]
const modelOf = (fault: string) => `with-${fault}`

let stage: Stage
beforeAll(async () => {
  const models = faults.map(modelOf)
  const mapping = (name: (fault: string) => string) =>
    Object.fromEntries(faults.map(fault => [modelOf(fault), name(fault)]))
  stage = await startStage({
    more: upstream => ({
      channels: ['openai', 'anthropic', 'gemini'].flatMap(provider => [
        {
          name: `${provider}-faulty`,
          provider,
          baseUrl: upstream,
          keys: ['key'],
          models,
          priority: 5,
          modelMapping: mapping(fault => `sim-fault-${fault}`),
          settings: { firstByteTimeoutMs: 300, idleTimeoutMs: 300 },
        },
        {
          name: `${provider}-good`,
          provider,
          baseUrl: upstream,
          keys: ['key'],
          models,
          modelMapping: mapping(() => 'sim'),
        },
      ]),
    }),
  })
})
afterAll(() => stage.close())

const cases = dialects.flatMap(dialect => [
  { dialect, isStreaming: false, way: 'whole', faults: [...always, ...whole] },
  { dialect, isStreaming: true, way: 'streamed', faults: [...always, ...streamed] },
])

describe('an upstream that fails before its first content', () => {
  test.concurrent.each(cases)(
    '$dialect, $way: the next candidate answers and the client notices nothing',
    async ({ dialect, isStreaming, faults: ways }) => {
      const noticed = await Promise.allSettled(
        ways.map(fault => expectUnnoticed({ dialect, isStreaming, fault })),
      )
      expect(
        noticed.flatMap(outcome =>
          outcome.status === 'rejected'
            ? [JSON.stringify(outcome.reason.actual ?? String(outcome.reason))]
            : [],
        ),
      ).toEqual([])
    },
  )
})

async function expectUnnoticed({
  dialect,
  isStreaming,
  fault,
}: {
  dialect: Dialect
  isStreaming: boolean
  fault: string
}): Promise<void> {
  const { gateway } = stage
  const answer = await ask(gateway.url, { dialect, model: modelOf(fault), isStreaming })
  const says = { fault, dialect, isStreaming }
  expect({
    ...says,
    status: answer.status,
    isWhole: answer.isWhole,
    text: answer.status === 200 ? '' : answer.text,
  }).toEqual({ ...says, status: 200, isWhole: true, text: '' })
  if (isStreaming)
    expect({ ...says, words: wordsOf(dialect, answer.text) }).toEqual({ ...says, words: sentence })
  else expect(answer.text).toContain(sentence)
  expect(answer.text).not.toContain('sim-fault')
  expect(answer.text).not.toContain('"error":{')
  const { attempts, class: outcome, source, amount } = await findRecord(gateway.dataDir, answer.id)
  expect({ ...says, outcome, source, amount, tries: attempts.length }).toEqual({
    ...says,
    outcome: 'ok',
    source: 'upstream',
    amount: 110_000n,
    tries: 2,
  })
  expect(attempts[0]?.class).not.toBe('ok')
  expect(attempts[1]).toMatchObject({ class: 'ok', channel: expect.stringContaining('-good') })
}
