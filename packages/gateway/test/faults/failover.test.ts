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
/** A model and a channel for each: what is learnt of one, a refused key above all, is none of the others'. */
const modelOf = (fault: string, dialect: Dialect, isStreaming: boolean) =>
  `${dialect}-${isStreaming ? 'streamed' : 'whole'}-${fault}`
const providerOf: Readonly<Record<Dialect, string>> = {
  chat: 'openai',
  responses: 'openai',
  anthropic: 'anthropic',
  gemini: 'gemini',
}

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    more: upstream => ({
      channels: dialects.flatMap(dialect =>
        [false, true].flatMap(isStreaming => {
          const provider = providerOf[dialect]
          const shared = { provider, baseUrl: upstream, keys: ['key'] }
          const models = faults.map(fault => modelOf(fault, dialect, isStreaming))
          const faulty = faults.map(fault => {
            const model = modelOf(fault, dialect, isStreaming)
            return {
              ...shared,
              name: model,
              models: [model],
              priority: 5,
              modelMapping: { [model]: `sim-fault-${fault}` },
              settings: { firstByteTimeoutMs: 300, idleTimeoutMs: 300 },
            }
          })
          const modelMapping = Object.fromEntries(models.map(model => [model, 'sim']))
          return [...faulty, { ...shared, name: `${dialect}-${isStreaming}-good`, models, modelMapping }]
        }),
      ),
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
          outcome.status === 'rejected' ? [String(outcome.reason), outcome.reason.actual] : [],
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
  const answer = await ask(gateway.url, { dialect, model: modelOf(fault, dialect, isStreaming), isStreaming })
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
  // What was sent and not refused may be on the upstream's bill: the record has what it may cost.
  if (attempts[0]?.mayBeBilled) expect(attempts[0].estimatedCost).toMatch(/^0\.\d{9}$/)
  else expect(attempts[0]).not.toHaveProperty('estimatedCost')
  expect(attempts[1]).toMatchObject({ class: 'ok', channel: expect.stringContaining('-good') })
}
