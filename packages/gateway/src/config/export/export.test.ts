import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore, type Store } from '#store'
import type { EnvironmentSource } from '../env.ts'
import { readDeclarativeFile } from '../file/file.ts'
import { exportState } from './export.ts'

const example = readFileSync(new URL('../fixtures/example.yaml', import.meta.url), 'utf8')

let folder: string
let store: Store
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'yumen-export-'))
  store = await openStore({ sqlitePath: join(folder, 'yumen.db'), migrate: true })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

async function apply(text: string, env: EnvironmentSource) {
  const reading = await readDeclarativeFile({
    text,
    fileName: 'y.yaml',
    source: '/y.yaml',
    folder,
    env,
    readFile: async path => readFileSync(path, 'utf8'),
    existing: async () => ({ usernames: new Set(), channels: new Set() }),
    secrets: {
      sealChannelKey: key => ({ sealed: `sealed:${key}`, fingerprint: key }),
      hashPassword: async password => password,
      makeApiKey: () => 'sk-made',
      hashKey: key => key,
      hintOf: key => key,
    },
  })
  if (reading.kind === 'issues') throw new Error(reading.issues.map(issue => issue.text).join('\n'))
  return (
    await store.run('applyState', { desired: reading.desired, prune: false, dryRun: false, now: 1_000 })
  ).changes
}

const env = { ROOT_PASSWORD: 'root-password', DASHSCOPE_API_KEY: 'sk-upstream' }

test('what is exported and applied again changes nothing', async () => {
  expect(await apply(example, env)).not.toEqual([])
  const { yaml: exported } = await exportState({
    db: await store.kysely(),
    now: 2_000,
    openChannelKey: undefined,
  })
  expect(exported).toContain('keys: [ { env: YUMEN_CHANNEL_BAILIAN_KEY } ]')
  expect(exported).not.toContain('sk-upstream')
  expect(exported).not.toMatch(/^ *auto:/m) // every installation has it
  expect(await apply(exported, { YUMEN_CHANNEL_BAILIAN_KEY: 'sk-upstream' })).toEqual([])
})

test('with secrets it needs no environment', async () => {
  await apply(example, env)
  const openChannelKey = (sealed: string) => sealed.replace('sealed:', '')
  const { yaml: exported } = await exportState({ db: await store.kysely(), now: 2_000, openChannelKey })
  expect(exported).toContain('sk-upstream')
  expect(await apply(exported, {})).toEqual([])
})

test('names that look like numbers, booleans or YAML signs come back as they are', async () => {
  const names = ['123', 'true', 'null', '*all', '- x', 'a: b', '玉门', '"quoted"', '1e3', '0x1f', '~']
  const channels = names.map(name => ({ name, provider: 'openai', models: names, keys: ['k'] }))
  const prices = Object.fromEntries(names.map(name => [name, { input: '1' }]))
  await apply(JSON.stringify({ apiVersion: 'yumen/v1', channels, prices }), {})
  const { yaml: exported } = await exportState({
    db: await store.kysely(),
    now: 2_000,
    openChannelKey: () => 'k',
  })
  expect(await apply(exported, {})).toEqual([])
})

test('channels whose names differ in signs only have variables of their own', async () => {
  const channels = ['a-b', 'a_b', '玉门'].map(name => ({ name, provider: 'openai', keys: ['k', 'l'] }))
  await apply(JSON.stringify({ apiVersion: 'yumen/v1', channels }), {})
  const { yaml: exported } = await exportState({
    db: await store.kysely(),
    now: 2_000,
    openChannelKey: undefined,
  })
  const variables = exported.match(/YUMEN_CHANNEL_\w+/g) ?? []
  expect(variables).toHaveLength(6)
  expect(new Set(variables).size).toBe(6)
  expect(variables.slice(0, 2)).toEqual(['YUMEN_CHANNEL_A_B_KEY', 'YUMEN_CHANNEL_A_B_KEY_2'])
})

test('credentials of proxies and headers are references as the keys are, and may be read from them', async () => {
  const channels = [
    {
      name: 'a',
      provider: 'openai',
      keys: ['k'],
      headerOverride: {
        Authorization: 'Bearer canary',
        'x-api-key': 'canary',
        X_Api_Key: 'canary2',
        'x-my-Token': 'canary',
        'x-tenant': 'acme',
        'x-empty': '',
      },
      settings: { proxy: 'http://user:can@ary@127.0.0.1:1080', force_format: true },
    },
    { name: 'a header', provider: 'openai', keys: ['k'], settings: { proxy: 'socks5://127.0.0.1:1' } },
  ]
  await apply(JSON.stringify({ apiVersion: 'yumen/v1', channels }), {})
  const { yaml, content } = await exportState({
    db: await store.kysely(),
    now: 2_000,
    openChannelKey: undefined,
  })
  expect(yaml).not.toContain('canary')
  expect(yaml).not.toContain('ary@')
  expect(content['channels']).toMatchObject([
    {
      headerOverride: {
        Authorization: { env: 'YUMEN_CHANNEL_A_HEADER_AUTHORIZATION' },
        'x-api-key': { env: expect.stringMatching(/^YUMEN_CHANNEL_A_HEADER_X_API_KEY(_2)?$/) },
        'x-tenant': 'acme',
        'x-empty': '',
      },
      settings: { proxy: { env: 'YUMEN_CHANNEL_A_PROXY' }, force_format: true },
    },
    { settings: { proxy: 'socks5://127.0.0.1:1' } },
  ])
  const env: Record<string, string> = {}
  for (const name of yaml.match(/YUMEN_CHANNEL_\w+/g) ?? []) env[name] = 'canary'
  const changes = await apply(yaml, {
    ...env,
    YUMEN_CHANNEL_A_KEY: 'k',
    YUMEN_CHANNEL_A_HEADER_KEY: 'k',
    YUMEN_CHANNEL_A_HEADER_AUTHORIZATION: 'Bearer canary',
    YUMEN_CHANNEL_A_PROXY: 'http://user:can@ary@127.0.0.1:1080',
  })
  expect(changes.map(({ fields }) => fields)).toEqual([
    { headerOverride: [expect.anything(), expect.anything()] },
  ])
  const open = await exportState({
    db: await store.kysely(),
    now: 2_000,
    openChannelKey: sealed => sealed.replace('sealed:', ''),
  })
  expect(open.yaml).toContain('can@ary@')
  expect(await apply(open.yaml, {})).toEqual([])
})
