import { findProvider } from '@yumen/providers'
import { expect, test } from 'vitest'
import { readOverrides } from '#overrides'
import { GatewayError } from '../gateway-error.ts'
import { route } from '../route.ts'
import { scan } from '../scan.ts'
import { buildAttemptBody, ChannelRefusal } from './attempt-body.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }

interface Case {
  readonly body?: string
  readonly address?: string
  readonly provider?: string
  readonly upstreamModel?: string
  readonly settings?: Readonly<Record<string, unknown>>
  readonly paramOverride?: Readonly<Record<string, unknown>>
  readonly headerOverride?: Readonly<Record<string, unknown>>
}

function build({
  body = '{"model":"m"}',
  address = '/v1/chat/completions',
  provider = 'openai',
  upstreamModel = 'up',
  settings = {},
  ...stored
}: Case) {
  const found = route('POST', address, () => undefined)
  const kind = findProvider(provider)
  const reading = readOverrides({ ...stored, settings, passesThrough: false })
  if (found.kind !== 'relay' || kind === undefined || reading.kind === 'issues')
    throw new Error('no such case')
  const { target } = found
  const facts = scan(Buffer.from(body), target, limits)
  const { dialect, operation, query } = target
  const baseUrl = kind.baseUrl ?? 'https://up.example'
  const ask = {
    dialect,
    operation,
    model: upstreamModel,
    isStreaming: facts.isStreaming,
    baseUrl,
    settings,
    query,
  }
  const channel = { name: 'c', provider: kind, settings, overrides: reading.overrides } as never // decoding: only what the builder reads
  const candidate = {
    channel,
    key: { position: 0, secret: 'sk', fingerprint: 'f' },
    upstreamModel,
    group: 'default',
  }
  const headers = {
    'user-agent': 'agent',
    authorization: 'Bearer ours',
    'content-type': 'text/plain',
    'anthropic-version': 'theirs',
    'x-dashscope-workspace': 'theirs',
  }
  const incoming = { url: address, headers }
  const turn = {
    candidate,
    ask,
    mayAskUsage: true,
    requestId: 'id',
    incoming,
    index: 0,
    lastError: undefined,
  }
  const built = buildAttemptBody(facts, target, turn, limits)
  return { ...built, text: Buffer.concat(built.pieces).toString() }
}

const setHeader = (conditions: unknown) => ({
  operations: [{ mode: 'set_header', path: 'x-hit', value: '1', conditions }],
})

test('a channel that changes nothing has neither headers nor another model', () => {
  expect(build({})).toMatchObject({ text: '{"model":"up"}' })
  expect(build({})).not.toHaveProperty('headers')
})

test("what passes through keeps the client's model, unless the address has the upstream's", () => {
  const settings = { pass_through_body_enabled: true }
  expect(build({ settings })).toMatchObject({ text: '{"model":"m"}', model: 'm', hidesUsage: false })
  expect(build({ settings, provider: 'azure' })).not.toHaveProperty('model')
})

test('the system prompt comes before the override, which comes last', () => {
  const built = build({
    body: '{"model":"m","messages":[]}',
    settings: { system_prompt: 'Be brief.' },
    paramOverride: { operations: [{ mode: 'append', path: 'messages.0.content', value: '!' }] },
  })
  expect(JSON.parse(built.text)).toEqual({
    model: 'up',
    messages: [{ role: 'system', content: 'Be brief.!' }],
  })
  expect(built.length).toBe(Buffer.byteLength(built.text))
})

test('counting tokens gets headers, not members of generation', () => {
  const paramOverride = { temperature: 0, ...setHeader(undefined) }
  const built = build({ address: '/v1/messages/count_tokens', provider: 'anthropic', paramOverride })
  expect([built.text, built.headers]).toEqual(['{"model":"up"}', new Map([['x-hit', '1']])])
})

test.each([
  [{ original_model: 'm', upstream_model: 'up', request_path: '/v1/chat/completions?a=1' }, true],
  [{ 'request_headers.user-agent': 'agent', retry_index: 0, is_channel_test: false }, true],
  [{ 'header_override.x-own': 'sk' }, true],
  [{ 'request_headers.authorization': 'Bearer ours' }, false],
  [{ 'last_error.status_code': 0 }, false],
])('a condition on %j is %s', (conditions, holds) => {
  const operation = { mode: 'set_header', path: 'x-hit', value: '1', conditions, logic: 'AND' }
  const { headers } = build({
    address: '/v1/chat/completions?a=1&key=secret',
    headerOverride: { 'x-own': '{api_key}' },
    paramOverride: { operations: [operation] },
  })
  expect(headers?.get('x-hit')).toBe(holds ? '1' : undefined)
})

test('an override that leaves what nobody can read is the gateway’s failure, not the client’s', () => {
  const failing = { paramOverride: { n: 'two' } }
  expect(() => build(failing)).toThrow(GatewayError)
  expect(() => build(failing)).toThrow(expect.objectContaining({ class: 'internal' }))
})

test("names the model of the body as the one that runs, unless the address has the upstream's", () => {
  const paramOverride = { model: 'other' }
  expect(build({ paramOverride })).toMatchObject({ text: '{"model":"other"}', model: 'other' })
  expect(build({ paramOverride, provider: 'azure' })).not.toHaveProperty('model')
})

test('rules over the headers of the client replace none that the provider or the channel sets', () => {
  const settings = { dashscope_workspace: 'ours' }
  const built = build({ provider: 'ali', settings, headerOverride: { '*': '' } })
  expect(built.headers).toEqual(
    new Map([
      ['user-agent', 'agent'],
      ['anthropic-version', 'theirs'],
    ]),
  )
})

test('an override that this body cannot take is a refusal of the channel, and names the operation', () => {
  const paramOverride = { operations: [{ mode: 'trim_prefix', path: 'user', value: 'x' }] }
  expect(() => build({ paramOverride })).toThrow(
    expect.objectContaining({
      name: 'GatewayError',
      mayMoveOn: true,
      fault: expect.stringMatching(/^paramOverride\.operations\[0\] \(trim_prefix\): /),
    }),
  )
})

test("a body that is no JSON where the override looks is the client's mistake", () => {
  const paramOverride = { operations: [{ mode: 'set', path: 'a.b', value: 1 }] }
  expect(() => build({ body: '{"model":"m","a":{"x":tru}}', paramOverride })).toThrow(
    expect.objectContaining({ class: 'invalid_request' }),
  )
})

test("a refusal of the channel's own has its words in the client's protocol", () => {
  const value = { message: 'closed', status_code: 503, skip_retry: false }
  const paramOverride = { operations: [{ mode: 'return_error', value }] }
  const refusal = (() => {
    try {
      return build({ address: '/v1/messages', provider: 'anthropic', paramOverride })
    } catch (error) {
      return error
    }
  })()
  if (!(refusal instanceof ChannelRefusal)) throw new Error('no refusal')
  expect([refusal.mayMoveOn, refusal.native?.status]).toEqual([true, 503])
  expect(JSON.parse(String(refusal.native?.body))).toMatchObject({
    type: 'error',
    error: { message: 'closed' },
  })
})
