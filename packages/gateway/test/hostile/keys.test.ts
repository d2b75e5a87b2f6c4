import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type dialects } from '../faults/ask.ts'
import { findRecord } from '../faults/books.ts'
import { type Stage, startStage } from '../faults/load.ts'

const keys = {
  user: 'sk-user00000000000000000000000000000000000000000000000',
  admin: 'sk-admin0000000000000000000000000000000000000000000000',
  office: 'sk-office000000000000000000000000000000000000000000000',
  narrow: 'sk-narrow000000000000000000000000000000000000000000000',
} as const

let stage: Stage
let channels: ReadonlyMap<string, number>
beforeAll(async () => {
  stage = await startStage({
    more: upstream => ({
      options: { 'server.trustedProxies': ['127.0.0.1'] },
      users: [
        { username: 'alice', balance: '100' },
        { username: 'boss', role: 'admin', balance: '100' },
      ],
      apiKeys: [
        { user: 'alice', name: 'user', key: keys.user },
        { user: 'alice', name: 'office', key: keys.office, allowIps: ['10.1.0.0/16', '2001:db8::/32'] },
        {
          user: 'alice',
          name: 'narrow',
          key: keys.narrow,
          models: ['sim*'],
          denyModels: ['*-preview'],
          endpoints: ['chat', 'gemini'],
        },
        { user: 'boss', name: 'admin', key: keys.admin },
      ],
      channels: [
        ...['openai', 'anthropic', 'gemini'].map(provider => ({
          name: provider,
          provider,
          baseUrl: upstream,
          keys: ['key'],
          models: ['sim', 'sim-preview', 'other'],
          modelMapping: { other: 'sim' },
          priority: 9,
        })),
        {
          name: 'aside',
          provider: 'openai',
          baseUrl: upstream,
          keys: ['key'],
          models: ['nothing'],
          groups: ['default'],
          priority: -9,
        },
        {
          name: 'off',
          provider: 'openai',
          baseUrl: upstream,
          keys: ['key'],
          models: ['sim'],
          enabled: false,
        },
      ],
    }),
  })
  channels = new Map(
    readChannels(await stage.gateway.yumenJson('channel', 'list')).map(({ name, id }) => [name, id]),
  )
})
afterAll(() => stage.close())

function readChannels(printed: unknown): readonly { readonly name: string; readonly id: number }[] {
  const found = [...JSON.stringify(printed).matchAll(/\{[^{}]*?"id":(\d+),"name":"([^"]+)"/g)]
  if (found.length === 0) throw new Error(`no channels in ${JSON.stringify(printed)}`)
  return found.map(match => ({ id: Number(match[1]), name: match[2] ?? '' }))
}

const statusOf = async (
  key: string,
  more: {
    model?: string
    headers?: Readonly<Record<string, string>>
    dialect?: (typeof dialects)[number]
  } = {},
) =>
  (await ask(stage.gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false, key, ...more })).status

describe('a channel behind the key', () => {
  test('is the one that an administrator is answered by, though it lists no such model', async () => {
    const answer = await ask(stage.gateway.url, {
      dialect: 'chat',
      model: 'sim',
      isStreaming: true,
      key: `${keys.admin}-${channels.get('aside')}`,
    })
    expect(answer.isWhole).toBe(true)
    expect((await findRecord(stage.gateway.dataDir, answer.id)).attempts).toMatchObject([
      { channel: 'aside', class: 'ok' },
    ])
  })

  test.each([
    { says: 'of a user is refused', key: keys.user, channel: 'aside', status: 403 },
    { says: 'that is disabled is refused', key: keys.admin, channel: 'off', status: 403 },
    { says: 'that speaks otherwise is refused', key: keys.admin, channel: 'gemini', status: 400 },
  ])('$says', async ({ key, channel, status }) => {
    expect(await statusOf(`${key}-${channels.get(channel)}`)).toBe(status)
  })

  test.each(['-999', '-0', '-00', '--1', '-1e3', '-', '- 1', '-99999999999999999999'])(
    'that is %s is none',
    async suffix => {
      expect([400, 401]).toContain(await statusOf(`${keys.admin}${suffix}`))
    },
  )
})

describe('a key for some addresses', () => {
  test.each([
    { forwarded: '10.1.2.3', status: 200 },
    { forwarded: '2001:db8::7', status: 200 },
    { forwarded: '::ffff:10.1.2.3', status: 200 },
    { forwarded: '10.2.0.1', status: 403 },
    { forwarded: '10.1.2.3, 203.0.113.7', status: 403 },
    { forwarded: '203.0.113.7, 10.1.2.3', status: 200 },
    { forwarded: '10.1.2.3, 127.0.0.1', status: 200 },
    { forwarded: 'nonsense', status: 403 },
  ])('from $forwarded: $status', async ({ forwarded, status }) => {
    expect(await statusOf(keys.office, { headers: { 'x-forwarded-for': forwarded } })).toBe(status)
  })

  test('from nowhere else', async () => {
    expect(await statusOf(keys.office)).toBe(403)
  })
})

describe('a key for some models and endpoints', () => {
  test.each([
    { says: 'a pattern allows', model: 'sim', dialect: 'chat', status: 200 },
    { says: 'a denied pattern wins', model: 'sim-preview', dialect: 'chat', status: 403 },
    { says: 'another model', model: 'other', dialect: 'chat', status: 403 },
    { says: 'an endpoint that is listed', model: 'sim', dialect: 'gemini', status: 200 },
    { says: 'one that is not', model: 'sim', dialect: 'anthropic', status: 403 },
    { says: 'another one that is not', model: 'sim', dialect: 'responses', status: 403 },
  ] as const)('$says: $status', async ({ model, dialect, status }) => {
    expect(await statusOf(keys.narrow, { model, dialect })).toBe(status)
  })
})
