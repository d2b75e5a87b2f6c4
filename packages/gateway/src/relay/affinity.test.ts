import { describe, expect, test } from 'vitest'
import type { AffinityRule } from '#config'
import { affinityOf } from './affinity.ts'
import { route } from './route.ts'
import { scan } from './scan.ts'
import { mayRepeat, repeatableOf } from './upstream/repeatable.ts'

const limits = { jsonDepthMax: 512, topLevelMembersMax: 1_024 }
const paths = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  anthropic: '/v1/messages',
  gemini: '/v1beta/models/m:generateContent',
  embeddings: '/v1/embeddings',
} as const

function read(path: keyof typeof paths, body: object) {
  const found = route('POST', paths[path], () => undefined)
  if (found.kind !== 'relay') throw new Error(`${path} is no target`)
  const named = path === 'gemini' ? body : { model: 'm', ...body }
  return { target: found.target, facts: scan(Buffer.from(JSON.stringify(named)), found.target, limits) }
}

function seedOf(
  path: keyof typeof paths,
  body: object,
  headers: Record<string, string> = {},
  rules: readonly AffinityRule[] = [],
) {
  const client = (name: string) => headers[name]
  return affinityOf({ ...read(path, body), client }, rules, limits)
}

const said = (role: string, content: string) => ({ role, content })
const parts = (role: string, text: string) => ({ role, parts: [{ text }] })

describe('rules of the operator', () => {
  const rules = [
    { models: ['claude-*'], headers: ['x-claude'] },
    { endpoints: ['chat'], fields: ['metadata.session.id', 'thread'], headers: ['x-thread'] },
  ]
  const seed = (body: object, headers: Record<string, string> = {}) => seedOf('chat', body, headers, rules)

  test.each([
    { says: 'a member within members', body: { metadata: { session: { id: 's' } } } },
    { says: 'the next member', body: { thread: 's', metadata: {} } },
    { says: 'a header', headers: { 'x-thread': 's' } },
    { says: 'one of the model', body: { model: 'claude-x' }, headers: { 'x-claude': 's' } },
  ])('find $says, whatever else is said', ({ body = {}, headers = {} }) => {
    const first = seed({ ...body, user: 'u', messages: [said('user', 'one')] }, headers)
    expect(first).toBeDefined()
    expect(seed({ ...body, user: 'v', messages: [said('user', 'two')] }, headers)).toBe(first)
  })

  test('that do not fit or find nothing leave it to the protocol', () => {
    const body = { user: 'u', messages: [said('user', 'one')] }
    expect(seed(body, { 'x-claude': 's' })).toBe(seedOf('chat', body))
    expect(seedOf('responses', { ...body, thread: 't' }, {}, rules)).toBe(
      seedOf('responses', { ...body, thread: 't' }),
    )
  })
})

describe('what keeps a conversation together', () => {
  test.each([
    { path: 'chat', body: { prompt_cache_key: 'k' } },
    { path: 'chat', body: { user: 'u' } },
    { path: 'chat', body: { safety_identifier: 's' } },
    { path: 'responses', body: { conversation: { id: 'conv_1' } } },
    { path: 'anthropic', body: { metadata: { user_id: 'u' } } },
    { path: 'gemini', body: { cachedContent: 'cachedContents/x' } },
  ] as const)('a field of the protocol: $body', ({ path, body }) => {
    const first = seedOf(path, { ...body, messages: [said('user', 'one')] })
    expect(first).toBeTypeOf('number')
    expect(seedOf(path, { ...body, messages: [said('user', 'two')] })).toBe(first)
    expect(seedOf(path, { messages: [said('user', 'one')] })).not.toBe(first)
  })

  test('the cache key comes before the user, and empty ones do not count', () => {
    const keyed = seedOf('chat', { prompt_cache_key: 'k', user: 'a' })
    expect(seedOf('chat', { user: 'b', prompt_cache_key: 'k' })).toBe(keyed)
    expect(seedOf('chat', { prompt_cache_key: null, user: '' })).toBeUndefined()
  })

  test('the session header of a coding agent', () => {
    expect(seedOf('responses', { input: 'Hi' }, { session_id: 's1' })).toBeTypeOf('number')
    expect(seedOf('responses', { input: 'Hi' }, { session_id: 's1' })).not.toBe(
      seedOf('responses', { input: 'Hi' }, { session_id: 's2' }),
    )
  })

  test.each([
    {
      path: 'chat',
      turns: (extra: readonly string[]) => ({
        messages: [
          said('system', 'Be kind.'),
          said('user', 'Hi'),
          ...extra.map((text, index) => said(index % 2 ? 'user' : 'assistant', text)),
        ],
      }),
    },
    {
      path: 'anthropic',
      turns: (extra: readonly string[]) => ({
        system: 'Be kind.',
        messages: [
          said('user', 'Hi'),
          ...extra.map((text, index) => said(index % 2 ? 'user' : 'assistant', text)),
        ],
      }),
    },
    {
      path: 'gemini',
      turns: (extra: readonly string[]) => ({
        systemInstruction: { parts: [{ text: 'Be kind.' }] },
        contents: [
          parts('user', 'Hi'),
          ...extra.map((text, index) => parts(index % 2 ? 'user' : 'model', text)),
        ],
      }),
    },
    {
      path: 'responses',
      turns: (extra: readonly string[]) => ({
        instructions: 'Be kind.',
        input: [
          said('user', 'Hi'),
          ...extra.map((text, index) => said(index % 2 ? 'user' : 'assistant', text)),
        ],
      }),
    },
  ] as const)('$path: the turns of one conversation, by what all of them begin with', ({ path, turns }) => {
    const second = seedOf(path, turns(['Hello', 'And then?']))
    expect(second).toBeTypeOf('number')
    expect(seedOf(path, turns(['Hello', 'And then?', 'This.', 'Why?']))).toBe(second)
  })

  test('a long prompt already at its first turn; a short one shows no sign', () => {
    const long = { messages: [said('system', 'x'.repeat(3_000)), said('user', 'Hi')] }
    expect(seedOf('chat', long)).toBeTypeOf('number')
    expect(seedOf('chat', { messages: [said('user', 'Hi')] })).toBeUndefined()
  })

  test('only the beginning is read: a conversation shows there or not at all', () => {
    const { target, facts } = read('chat', { messages: [said('user', 'Hi'), said('assistant', 'Hello')] })
    const whole = affinityOf({ facts, target, client: () => undefined }, [], limits)
    const text = facts.body.toString()
    const flooded = Buffer.from(text.replace(']}', `${',1'.repeat(1_000_000)}]}`))
    const scanned = scan(flooded, target, limits)
    // What stands behind the beginning may be anything: here it is no JSON any more.
    flooded.fill('}', flooded.length - 100, flooded.length - 2)
    expect(
      affinityOf({ facts: { ...scanned, body: flooded }, target, client: () => undefined }, [], limits),
    ).toBe(whole)
    expect(
      seedOf('chat', { messages: [...Array(20).fill(said('user', 'x')), said('assistant', 'y')] }),
    ).toBeUndefined()
  })

  test('embeddings have none', () => {
    expect(seedOf('embeddings', { input: 'x', user: 'u' })).toBeUndefined()
  })
})

describe('whether a request may be sent again elsewhere', () => {
  test.each([
    { path: 'chat', body: { messages: [] }, gives: 'yes' },
    { path: 'chat', body: { tools: [{ type: 'function', function: { name: 'mcp' } }] }, gives: 'yes' },
    { path: 'responses', body: { input: 'x' }, gives: 'yes' },
    { path: 'responses', body: { input: 'x', background: false }, gives: 'yes' },
    { path: 'responses', body: { input: 'x', background: true }, gives: 'before-send' },
    { path: 'responses', body: { previous_response_id: 'r' }, gives: 'before-send' },
    { path: 'responses', body: { conversation: 'c' }, gives: 'before-send' },
    { path: 'responses', body: { tools: [{ type: 'mcp', server_url: 'x' }] }, gives: 'before-send' },
    { path: 'anthropic', body: { mcp_servers: [{ url: 'x' }] }, gives: 'before-send' },
    { path: 'anthropic', body: { tools: [{ type: 'code_execution_20250825' }] }, gives: 'before-send' },
    { path: 'anthropic', body: { tools: [{ type: 'web_search_20250305' }] }, gives: 'yes' },
    { path: 'gemini', body: { tools: [{ codeExecution: {} }] }, gives: 'before-send' },
  ] as const)('$path $body: $gives', ({ path, body, gives }) => {
    const { target, facts } = read(path, body)
    expect(repeatableOf(target, facts)).toBe(gives)
  })

  test('what may not be done twice moves on only from an upstream that has certainly not begun', () => {
    expect(mayRepeat('yes', { mayBeBilled: true })).toBe(true)
    expect(mayRepeat('before-send', { mayBeBilled: false })).toBe(true)
    expect(mayRepeat('before-send', { mayBeBilled: true })).toBe(false)
  })
})
