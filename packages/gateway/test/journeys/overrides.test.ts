import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { type Simulator, startSimulator } from '@yumen/simulator'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway, testKey } from '../gateway.ts'

/** What a channel's settings make of a request, from an official client to what the upstream got. */
let simulator: Simulator
let gateway: TestGateway
let openai: OpenAI

beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  gateway = await startTestGateway({ yaml: JSON.stringify(configOf(simulator.url)) })
  openai = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: testKey,
    maxRetries: 0,
    defaultHeaders: { 'x-tenant': '{api_key}', 'x-forwarded-for': '10.9.8.7', cookie: 'session=1' },
  })
})
beforeEach(() => simulator.clear())
afterAll(async () => {
  await gateway.remove()
  await simulator.close()
})

const configOf = (upstream: string) => {
  const channel = (name: string, more: object) => ({
    name,
    provider: 'openai',
    baseUrl: upstream,
    keys: [`key-${name}`],
    models: [name],
    modelMapping: { [name]: 'sim' },
    ...more,
  })
  const prompt = { system_prompt: 'Be brief.', system_prompt_override: true }
  return {
    apiVersion: 'yumen/v1',
    prices: { '*': { input: '1', output: '1' } },
    users: [{ username: 'root', role: 'root' }],
    apiKeys: [{ user: 'root', name: 'test', key: testKey }],
    channels: [
      channel('headers', {
        headerOverride: { '*': '', 'X-Own': 'is {api_key}', Authorization: 'Bearer {api_key}-own' },
      }),
      channel('secret-first', {
        models: ['two'],
        priority: 9,
        modelMapping: { two: 'sim-fault-status-500' },
        headerOverride: { 'x-secret': '{api_key}' },
        paramOverride: { operations: [{ mode: 'set_header', path: 'x-more', value: 'secret' }] },
      }),
      channel('second', {
        models: ['two'],
        modelMapping: { two: 'sim' },
        paramOverride: {
          operations: [
            {
              mode: 'set',
              path: 'user',
              value: 'again',
              conditions: { 'retry.is_retry': true, last_error_status_code: 500 },
              logic: 'AND',
            },
          ],
        },
      }),
      channel('params', {
        paramOverride: {
          temperature: 0.5,
          operations: [{ mode: 'append', path: 'messages.-1.content', value: '!' }],
        },
      }),
      channel('choices', { paramOverride: { n: 2 } }),
      channel('renamed', { paramOverride: { model: 'sim-unicode' } }),
      channel('broken', { paramOverride: { operations: [{ mode: 'to_upper', path: 'missing' }] } }),
      channel('broken-first', {
        models: ['half'],
        priority: 9,
        settings: { retryTimes: 0 },
        paramOverride: { operations: [{ mode: 'trim_prefix', path: 'user', value: 'x' }] },
      }),
      channel('half-second', { models: ['half'], modelMapping: { half: 'sim' } }),
      channel('closed', {
        paramOverride: {
          operations: [
            {
              mode: 'return_error',
              value: { message: 'closed for now', status_code: 451, code: 'closed', type: 'own' },
            },
          ],
        },
      }),
      channel('open-first', {
        models: ['open'],
        priority: 9,
        paramOverride: {
          operations: [{ mode: 'return_error', value: { message: 'not here', skip_retry: false } }],
        },
      }),
      channel('open-second', { models: ['open'], modelMapping: { open: 'sim' } }),
      channel('down-first', {
        models: ['down'],
        priority: 9,
        modelMapping: { down: 'sim-fault-status-500' },
      }),
      channel('down-second', {
        models: ['down'],
        paramOverride: {
          operations: [{ mode: 'return_error', value: { message: 'not here', skip_retry: false } }],
        },
      }),
      channel('prompt', {
        models: ['prompt', 'responses'],
        modelMapping: { prompt: 'sim', responses: 'sim' },
        settings: prompt,
      }),
      channel('claude', { provider: 'anthropic', settings: prompt }),
      channel('google', { provider: 'gemini', settings: prompt }),
      channel('through', {
        models: ['sim-through'],
        modelMapping: { 'sim-through': 'sim' },
        settings: { ...prompt, pass_through_body_enabled: true },
        paramOverride: { temperature: 2 },
        headerOverride: { 'x-own': '1' },
      }),
      channel('mapped', {
        models: ['busy', 'wrong'],
        modelMapping: { busy: 'sim-fault-status-429', wrong: 'sim-fault-status-422' },
        statusCodeMapping: { 429: 503, 422: '418' },
      }),
      channel('calm', { models: ['busy-then-calm'], modelMapping: { 'busy-then-calm': 'sim' } }),
      channel('busy-first', {
        models: ['busy-then-calm'],
        priority: 9,
        modelMapping: { 'busy-then-calm': 'sim-fault-status-429' },
        statusCodeMapping: { 429: 400 },
      }),
    ],
    options: { 'relay.retryTimes': 2 },
  }
}

const messages = [{ role: 'user' as const, content: 'Hi' }]
const ask = (model: string) => openai.chat.completions.create({ model, messages })
const sent = (index = 0) => JSON.parse(simulator.requests[index]?.body ?? '{}')
const refusal = async (model: string) => {
  const error: unknown = await ask(model).catch((reason: unknown) => reason)
  if (error instanceof OpenAI.APIError) return error
  throw new Error(`${model} was answered`)
}

describe('headerOverride', () => {
  test("passes the client's headers on but for what is its own, and expands the administrator's text alone", async () => {
    await ask('headers')
    const { headers } = simulator.requests[0] ?? {}
    expect(headers).toMatchObject({
      'x-own': 'is key-headers',
      'x-tenant': '{api_key}',
      authorization: 'Bearer key-headers-own',
      'user-agent': expect.stringContaining('OpenAI'),
    })
    expect(Object.keys(headers ?? {})).not.toEqual(expect.arrayContaining(['cookie']))
    expect(Object.keys(headers ?? {})).not.toEqual(expect.arrayContaining(['x-forwarded-for']))
    expect(JSON.stringify(headers)).not.toContain(testKey)
  })

  test('of a credential is sealed where it is stored, and applied again changes nothing', async () => {
    const written = JSON.stringify(configOf(simulator.url))
    expect(await gateway.apply(written)).toContain('Nothing to change')
    const stored = await readFile(join(gateway.dataDir, 'yumen.db'))
    const wal = await readFile(join(gateway.dataDir, 'yumen.db-wal'))
    expect(Buffer.concat([stored, wal]).includes('{api_key}-own')).toBe(false)
    expect(Buffer.concat([stored, wal]).includes('is {api_key}')).toBe(true)
  })

  test("of one channel never reaches the next one's upstream", async () => {
    await ask('two')
    expect(simulator.requests.map(({ headers }) => [headers['x-secret'], headers['x-more']])).toEqual([
      ['key-secret-first', 'secret'],
      [undefined, undefined],
    ])
  })
})

describe('paramOverride', () => {
  test('changes the body that goes upstream', async () => {
    await ask('params')
    expect(sent()).toEqual({ model: 'sim', messages: [{ role: 'user', content: 'Hi!' }], temperature: 0.5 })
  })

  test('knows whether it is a retry, and of what', async () => {
    await ask('two')
    expect([sent(0).user, sent(1).user]).toEqual([undefined, 'again'])
  })

  test('may ask for more answers than the client: a stream waits for all of them', async () => {
    const chunks = await Array.fromAsync(
      await openai.chat.completions.create({ model: 'choices', stream: true, messages }),
    )
    expect(
      new Set(
        chunks
          .flatMap(chunk => chunk.choices.map(choice => choice.finish_reason && choice.index))
          .filter(index => index !== null),
      ),
    ).toEqual(new Set([0, 1]))
  })

  test('may name another model, which is recorded; the client sees its own name', async () => {
    const answer = await ask('renamed')
    expect([answer.model, sent().model]).toEqual(['renamed', 'sim-unicode'])
    const id = await lastId()
    expect(await gateway.yumenJson('requests', 'show', id)).toMatchObject({ upstreamModel: 'sim-unicode' })
  })

  test('that fails is told to the administrator, not to the client, and asks nobody', async () => {
    const error = await refusal('broken')
    expect([error.status, simulator.requests.length]).toEqual([500, 0])
    expect(error.message).not.toMatch(/paramOverride|broken|missing/)
    await gateway.untilPrinted('channel broken: paramOverride.operations[0] (to_upper)')
    expect((await refusal('broken')).status).toBe(500)
  })

  test('that fails in one channel lets the next one answer, and is on record', async () => {
    expect((await ask('half')).choices.length).toBe(1)
    expect(await gateway.yumenJson('requests', 'show', await lastId())).toMatchObject({
      channel: 'half-second',
      attempts: [
        {
          channel: 'broken-first',
          class: 'override_failed',
          detail: expect.stringContaining('operations[0] (trim_prefix)'),
        },
        { channel: 'half-second', class: 'ok' },
      ],
    })
  })

  test('returns an error of its own, or lets the next channel try', async () => {
    const error = await refusal('closed')
    expect([error.status, error.code, error.type, simulator.requests.length]).toEqual([
      451,
      'closed',
      'own',
      0,
    ])
    expect(error.message).toContain('closed for now')
    expect((await ask('open')).choices.length).toBe(1)
  })
})

describe('a channel that refuses, behind an upstream that failed', () => {
  test('does not hide what failed', async () => {
    const error = await refusal('down')
    expect([error.status, error.message.includes('not here')]).toEqual([502, false])
  })
})

describe('system_prompt', () => {
  test('in a chat', async () => {
    await ask('prompt')
    expect(sent().messages).toEqual([{ role: 'system', content: 'Be brief.' }, ...messages])
  })

  test('in a response', async () => {
    await openai.responses.create({ model: 'responses', input: 'Hi', instructions: 'Own.' })
    expect(sent().instructions).toBe('Be brief.\nOwn.')
  })

  test('in a message', async () => {
    const anthropic = new Anthropic({ apiKey: testKey, baseURL: gateway.url, maxRetries: 0 })
    const own = { type: 'text' as const, text: 'Own.', cache_control: { type: 'ephemeral' as const } }
    await anthropic.messages.create({ model: 'claude', max_tokens: 9, system: [own], messages })
    expect(sent().system).toEqual([{ type: 'text', text: 'Be brief.' }, own])
  })

  test('in a Gemini request, and not where its tokens are counted', async () => {
    const post = (action: string) =>
      fetch(`${gateway.url}/v1beta/models/google:${action}`, {
        method: 'POST',
        headers: { 'x-goog-api-key': testKey, 'content-type': 'application/json' },
        body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
      })
    expect((await post('generateContent')).status).toBe(200)
    expect((await post('countTokens')).status).toBe(200)
    expect(sent(0).systemInstruction).toEqual({ parts: [{ text: 'Be brief.' }] })
    expect(sent(1).systemInstruction).toBeUndefined()
  })
})

test('pass_through_body_enabled sends the bytes of the client, its model with them', async () => {
  const body =
    '{ "model":"sim-through",\n "service_tier":"flex", "messages":[{"role":"user","content":"Hi"}], "seed": 1.0 }'
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body,
  })
  expect(response.status).toBe(200)
  expect(simulator.requests[0]).toMatchObject({ body, headers: expect.objectContaining({ 'x-own': '1' }) })
  expect(
    await gateway.yumenJson('requests', 'show', response.headers.get('x-request-id') ?? ''),
  ).toMatchObject({
    upstreamModel: 'sim-through',
  })
})

describe('statusCodeMapping', () => {
  test('changes what the client is told', async () => {
    expect((await refusal('busy')).status).toBe(503)
    expect((await refusal('wrong')).status).toBe(418)
    const { attempts } = Object(await gateway.yumenJson('requests', 'show', await lastId()))
    expect(attempts[0]).toMatchObject({ status: 422, class: 'invalid_request' })
  })

  test('never what the failure is: a 429 that is told as 400 still moves on', async () => {
    expect((await ask('busy-then-calm')).choices.length).toBe(1)
    expect(simulator.requests.length).toBe(2)
  })
})

async function lastId(): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, 600))
  const list = Object(await gateway.yumenJson('requests', 'list'))
  return list.items[0].requestId
}
