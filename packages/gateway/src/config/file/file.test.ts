import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type FileParts, readDeclarativeFile } from './file.ts'

const example = readFileSync(new URL('../fixtures/example.yaml', import.meta.url), 'utf8')
const head = 'apiVersion: yumen/v1\n'

function partsOf(text: string, more: Partial<FileParts> = {}): FileParts {
  return {
    text,
    fileName: 'y.yaml',
    source: '/etc/y.yaml',
    folder: '/etc',
    env: { ROOT_PASSWORD: 'root-password', DASHSCOPE_API_KEY: 'sk-upstream', EMPTY: '' },
    readFile: async path => {
      if (path === '/etc/key.txt') return 'from-file\n'
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    },
    existing: async () => ({ usernames: new Set(), channels: new Set() }),
    secrets: {
      sealChannelKey: key => ({ sealed: `sealed ${key}`, fingerprint: `print ${key}` }),
      hashPassword: async password => `hash ${password}`,
      makeApiKey: () => 'sk-made',
      hashKey: key => `hash ${key}`,
      hintOf: key => key.slice(-4),
    },
    ...more,
  }
}

async function stateOf(text: string, more: Partial<FileParts> = {}) {
  const reading = await readDeclarativeFile(partsOf(text, more))
  if (reading.kind === 'issues') throw new Error(reading.issues.map(issue => issue.text).join('\n'))
  return reading
}

async function issuesOf(text: string, more: Partial<FileParts> = {}): Promise<readonly string[]> {
  const reading = await readDeclarativeFile(partsOf(text, more))
  return reading.kind === 'issues' ? reading.issues.map(issue => issue.text) : []
}

describe('a file that is right', () => {
  test('the documented example is read whole', async () => {
    const { desired } = await stateOf(example)
    expect(desired).toMatchObject({
      source: '/etc/y.yaml',
      groups: [
        { name: 'default', ratio: '1', description: undefined },
        { name: 'vip', ratio: '0.8' },
      ],
      users: [
        { username: 'root', role: 'root', balance: undefined, passwordHash: 'hash root-password' },
        { username: 'alice', balance: 10_000_000_000n, passwordHash: 'hash correct-horse' },
        { username: 'lab', balance: 'unlimited', passwordHash: undefined },
      ],
      apiKeys: [
        {
          user: 'alice',
          name: 'laptop',
          secret: { isGenerated: false, hint: 'cdef' },
          limit: 5_000_000_000n,
          expiresAt: Date.UTC(2027, 0, 1),
          rateLimit: { requestsPerMinute: 60, tokensPerMinute: 100_000, concurrency: 8 },
        },
      ],
      channels: [
        {
          name: 'bailian',
          provider: 'ali',
          keys: [{ sealed: 'sealed sk-upstream', fingerprint: 'print sk-upstream' }],
          statusCodeMapping: { 429: 503 },
          paramOverride: { temperature: 0.2 },
          settings: { force_format: true, thinking_to_content: true, proxy: 'socks5://127.0.0.1:1080' },
          dialect: 'openai-chat',
          enabled: true,
        },
      ],
      options: [{ key: 'relay.retryTimes', value: 3 }],
    })
    expect(desired.prices.at(-1)).toEqual({ pattern: 'qwen*', rates: { input: '0.4', output: '1.2' } })
  })

  test('money keeps the digits of the file, in quotes or not', async () => {
    const { desired } = await stateOf(
      `${head}prices: { x: { output: 10, input: 2.50 } }\nusers: [{ username: a, balance: 0.100000001 }]`,
    )
    expect(Object.entries(desired.prices[0]?.rates ?? {})).toEqual([
      ['input', '2.50'],
      ['output', '10'],
    ])
    expect(desired.users[0]?.balance).toBe(100_000_001n)
  })

  test('JSON with tabs is read as well', async () => {
    const { desired } = await stateOf(
      '{\n\t"apiVersion": "yumen/v1",\n\t"options": {\n\t\t"relay.retryTimes": 1\n\t}\n}',
    )
    expect(desired.options).toEqual([{ key: 'relay.retryTimes', value: 1 }])
  })

  test("a provider may be New API's type number, and a key may lie in a file beside this one", async () => {
    const { desired } = await stateOf(
      `${head}channels: [{ name: a, provider: 17, keys: [literal, { file: key.txt }] }]`,
    )
    expect(desired.channels[0]).toMatchObject({
      provider: 'ali',
      keys: [{ sealed: 'sealed literal' }, { sealed: 'sealed from-file' }],
    })
  })

  test('a key that is not named is made, a section without items names nothing', async () => {
    const { desired, generatedKeys } = await stateOf(`${head}users:\napiKeys: [{ user: bob, name: ci }]`)
    expect(desired.users).toEqual([])
    expect(desired.apiKeys[0]?.secret).toEqual({ hash: 'hash sk-made', hint: 'made', isGenerated: true })
    expect(generatedKeys).toEqual([{ user: 'bob', name: 'ci', key: 'sk-made' }])
  })

  test('the password of a user that exists is not even hashed', async () => {
    const existing = async () => ({ usernames: new Set(['alice']), channels: new Set<string>() })
    const { desired } = await stateOf(`${head}users: [{ username: alice, password: correct-horse }]`, {
      existing,
    })
    expect(desired.users[0]?.passwordHash).toBeUndefined()
  })

  test('a message of the store is given its place in the file', async () => {
    const { placeMessage } = await stateOf(`${head}apiKeys:\n  - name: ci\n    user: bob`)
    expect(placeMessage('apiKeys[0].user: there is no user bob')).toBe(
      'y.yaml:4:11 apiKeys[0].user: there is no user bob',
    )
    expect(placeMessage('the database is full')).toBe('the database is full')
  })
})

const channel = (members: string) => `${head}channels:\n  - { name: a, provider: openai, ${members} }`
const apiKey = (members: string) => `${head}apiKeys:\n  - { user: a, name: b, ${members} }`

describe('a file that is wrong', () => {
  test.each([
    {
      says: 'an unknown section',
      text: `${head}chanels: []`,
      issue: /^y\.yaml:2:1 chanels: found an unknown key, allowed: .*did you mean channels\?/,
    },
    {
      says: 'an unknown member',
      text: channel('base_url: x'),
      issue: /^y\.yaml:3:34 channels\[0\]\.base_url: found an unknown key, allowed: .*did you mean baseUrl\?/,
    },
    {
      says: 'an unknown setting',
      text: channel('settings: { force_fromat: true }'),
      issue: /^y\.yaml:3:46 channels\[0\]\.settings\.force_fromat: .*did you mean force_format\?/,
    },
    {
      says: 'an unknown option',
      text: `${head}options: { relay.retrytimes: 3 }`,
      issue:
        /^y\.yaml:2:12 options\["relay\.retrytimes"\]: found an unknown key, .*did you mean relay\.retryTimes\?/,
    },
    {
      says: 'an option out of bounds',
      text: `${head}options:\n  relay.retryTimes: 99`,
      issue: /^y\.yaml:3:21 options\["relay\.retryTimes"\]: found 99, allowed: a whole number from 0 to 20$/,
    },
    {
      says: 'another version',
      text: 'apiVersion: yumen/v9',
      issue: /^y\.yaml:1:13 apiVersion: found "yumen\/v9", allowed: yumen\/v1$/,
    },
    {
      says: 'no version',
      text: 'users: []',
      issue: /^y\.yaml:1:1 apiVersion: found nothing, allowed: yumen\/v1$/,
    },
    {
      says: 'an empty file',
      text: '',
      issue: /^y\.yaml:1:1: found null, allowed: a declarative file with apiVersion/,
    },
    {
      says: 'a key twice',
      text: `${head}users: []\nusers: []`,
      issue: /^y\.yaml:3:1: found a key for the second time, allowed: each key once$/,
    },
    {
      says: 'broken YAML',
      text: `${head}users: [`,
      issue: /^y\.yaml:\d+:\d+: found a text that cannot be read/,
    },
    { says: 'a foreign tag', text: `${head}users: !!js/function x`, issue: /cannot be read .*js\/function/ },
    {
      says: 'two documents',
      text: `${head}---\nusers: []`,
      issue: /^y\.yaml:2:1: found a text that cannot be read/,
    },
    { says: 'an alias to its own parent', text: 'a: &a [*a]', issue: /too deep or too large/ },
    {
      says: 'a prototype as key',
      text: channel('paramOverride: { __proto__: 1 }'),
      issue: /found the key __proto__/,
    },
    {
      says: 'a number that a float would change',
      text: channel('paramOverride: { seed: 12345678901234567890 }'),
      issue: /seed: found 12345678901234567890, allowed: a finite number below 2\^53/,
    },
    {
      says: 'an unknown provider',
      text: `${head}channels: [{ name: a, provider: opnai }]`,
      issue: /^y\.yaml:2:33 channels\[0\]\.provider: found "opnai", allowed: .*did you mean openai\?/,
    },
    {
      says: 'a provider without address',
      text: `${head}channels: [{ name: a, provider: azure }]`,
      issue: /channels\[0\]\.baseUrl: found nothing, allowed: an address: azure has no default$/,
    },
    {
      says: 'two channels of one name',
      text: `${head}channels:\n  - { name: a, provider: openai }\n  - { name: a, provider: openai }`,
      issue: /^y\.yaml:4:13 channels\[1\]\.name: found "a", allowed: a only once$/,
    },
    {
      says: 'an address that holds a key',
      text: channel('baseUrl: "https://u:canary@x.y"'),
      issue: /channels\[0\]\.baseUrl: found "https:\/\/\*\*\*@x\.y", allowed: an http/,
    },
    {
      says: 'a time limit that is none',
      text: channel('settings: { idleTimeoutMs: -1 }'),
      issue: /settings\.idleTimeoutMs: found -1, allowed: whole milliseconds from 1/,
    },
    {
      says: 'a proxy that we do not speak',
      text: channel('settings: { proxy: "ftp://x" }'),
      issue: /settings\.proxy: found "ftp:\/\/x", allowed: an address that begins with/,
    },
    {
      says: 'a status that is none',
      text: channel('statusCodeMapping: { 429: 999 }'),
      issue: /statusCodeMapping\["429"\]: found 999/,
    },
    {
      says: 'a success that is mapped',
      text: channel('statusCodeMapping: { 200: 500 }'),
      issue: /statusCodeMapping\["200"\]: found 500, allowed: an HTTP status of an error/,
    },
    {
      says: 'a mode that is none',
      text: channel('paramOverride: { operations: [{ mode: sett }] }'),
      issue:
        /^y\.yaml:3:\d+ channels\[0\]\.paramOverride\.operations\[0\]\.mode: found "sett", allowed: one of set, /,
    },
    {
      says: 'an operation without its path',
      text: channel('paramOverride: { operations: [{ mode: set, value: 1 }] }'),
      issue: /operations\[0\]\.path: found nothing, allowed: a path like/,
    },
    {
      says: 'operations that are no list',
      text: channel('paramOverride: { operations: { mode: set } }'),
      issue: /paramOverride\.operations: found an object, allowed: a list of operations/,
    },
    {
      says: 'an override of stream',
      text: channel('paramOverride: { stream: true }'),
      issue: /paramOverride\.stream: found true, allowed: a member other than stream/,
    },
    {
      says: 'a header that only the relay writes',
      text: channel('headerOverride: { Content-Length: "1" }'),
      issue: /headerOverride\.Content-Length: .*allowed: the name of a header that may be set/,
    },
    {
      says: "a client's credential as a header",
      text: channel('headerOverride: { x-a: "{client_header:Authorization}" }'),
      issue: /headerOverride\.x-a: found a text of 29 characters, allowed: .*may be passed on/,
    },
    {
      says: 'a query behind an address that calls are put behind',
      text: channel('baseUrl: "https://x.y/v1?a=1"'),
      issue: /channels\[0\]\.baseUrl: found "https:\/\/x\.y\/v1\?a=1", allowed: an http/,
    },
    {
      says: 'a price that is no decimal',
      text: `${head}prices: { x: { input: 1e3 } }`,
      issue: /^y\.yaml:2:23 prices\.x\.input: found "1e3", allowed: a decimal like "2\.50"/,
    },
    {
      says: 'a price beyond reason',
      text: `${head}prices: { x: { input: 1, output: 1000000.000001 } }`,
      issue: /^y\.yaml:2:34 prices\.x\.output: found "1000000\.000001", allowed: .*at most 1000000$/,
    },
    {
      says: 'a price per call beyond reason',
      text: `${head}prices: { x: { perCall: 20001/2 } }`,
      issue: /^y\.yaml:2:25 prices\.x\.perCall: found "20001\/2", allowed: .*per call, at most 10000$/,
    },
    {
      says: 'a ratio beyond reason',
      text: `${head}groups: { x: { ratio: 1001 } }`,
      issue: /^y\.yaml:2:23 groups\.x\.ratio: found "1001", allowed: .*at most 1000$/,
    },
    {
      says: 'a channel key with a line break',
      text: channel('keys: ["canary\\nx-evil: 1"]'),
      issue:
        /^y\.yaml:3:41 channels\[0\]\.keys\[0\]: found a text of 16 characters, allowed: a key of at most/,
    },
    {
      says: 'a channel key that is not ASCII',
      text: channel('keys: [sk-玉门]'),
      issue: /channels\[0\]\.keys\[0\]: found a text of 5 characters, allowed: .* visible ASCII/,
    },
    {
      says: 'a price without input',
      text: `${head}prices: { x: { output: 1 } }`,
      issue: /prices\.x: found an object, allowed: a price per token needs a rate for input/,
    },
    {
      says: 'a tenth digit of money',
      text: apiKey('limit: "0.1234567891"'),
      issue: /apiKeys\[0\]\.limit: found "0\.1234567891", allowed: an amount in USD/,
    },
    {
      says: 'a balance below zero',
      text: `${head}users: [{ username: a, balance: -1 }]`,
      issue: /users\[0\]\.balance: found "-1", allowed: an amount/,
    },
    {
      says: 'a key that is too short',
      text: apiKey('key: sk-canary'),
      issue: /apiKeys\[0\]\.key: found a text of 9 characters, allowed: sk- and at least 20/,
    },
    {
      says: 'an endpoint that is none',
      text: apiKey('endpoints: [chats]'),
      issue: /apiKeys\[0\]\.endpoints\[0\]: found "chats", allowed: chat, .*did you mean chat\?/,
    },
    {
      says: 'a range that is none',
      text: apiKey('allowIps: [10.0.0.0/40]'),
      issue: /allowIps\[0\]: found "10\.0\.0\.0\/40", allowed: an IP address or a range/,
    },
    {
      says: 'a time that is none',
      text: apiKey('expiresAt: tomorrow'),
      issue: /expiresAt: found "tomorrow", allowed: a time like/,
    },
    {
      says: 'a variable that is not set',
      text: channel('keys: [{ env: NOPE }]'),
      issue: /^y\.yaml:3:41 channels\[0\]\.keys\[0\]: found \{ env: NOPE \}, which is not set/,
    },
    {
      says: 'a variable that is empty',
      text: channel('keys: [{ env: EMPTY }]'),
      issue: /\{ env: EMPTY \}, which is not set/,
    },
    {
      says: 'a file that is not there',
      text: channel('keys: [{ file: nope }]'),
      issue: /\{ file: nope \}, which cannot be read \(ENOENT\)/,
    },
    {
      says: 'a short password',
      text: `${head}users: [{ username: a, password: canary }]`,
      issue: /users\[0\]\.password: found a text of 6 characters, allowed: a password of 8 to 128/,
    },
  ])('$says is told with its place', async ({ text, issue }) => {
    const issues = await issuesOf(text)
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatch(issue)
    expect(issues[0]).not.toContain('canary')
  })

  test.each([
    'api.openai.com',
    'ftp://x.y',
    'https://',
    'https:///v1',
    'https://x y',
    'https://x.y/a b',
    'https://玉门.example',
    'https://@x.y',
    'https://x.y?a=b',
    'https://x.y#a',
    'https:x.y',
    'https://x.y\\\\z',
  ])('%s is no address of an upstream', async address => {
    expect(await issuesOf(channel(`baseUrl: "${address}"`))).toEqual([
      expect.stringMatching(
        /^y\.yaml:3:43 channels\[0\]\.baseUrl: found ".*", allowed: an http or https address/,
      ),
    ])
  })

  test.each(['http://127.0.0.1:8000', 'https://[::1]/v1', 'HTTPS://X.Y/', 'https://x.y/a@b'])(
    '%s is an address of an upstream',
    async address => {
      expect(await issuesOf(channel(`baseUrl: "${address}"`))).toEqual([])
    },
  )

  test('the whole address of a call may have a query', async () => {
    const of = (address: string) =>
      issuesOf(`${head}channels: [{ name: a, provider: custom, baseUrl: "${address}" }]`)
    expect(await of('https://x.y/{model}/{path}?v=1')).toEqual([])
    expect(await of('https://x.y?v=1')).toHaveLength(1)
    expect(await of('https://x.y/?v=1#a')).toHaveLength(1)
  })

  test('the largest price and ratio are let in', async () => {
    const text = `${head}groups: { x: { ratio: 1000 } }\nprices: { x: { input: 1000000 }, y: { perCall: 10000 } }`
    expect(await issuesOf(text)).toEqual([])
  })

  test('two API keys may not be one secret', async () => {
    const key = 'sk-0123456789abcdef0123'
    const issues = await issuesOf(
      `${head}apiKeys:\n  - { user: a, name: b, key: ${key} }\n  - { user: a, name: c, key: ${key} }`,
    )
    expect(issues).toEqual([
      'y.yaml:4:30 apiKeys[1].key: found the key of another API key, allowed: a key of its own',
    ])
  })

  test('everything that is wrong is told at once, in the order of the file', async () => {
    const issues = await issuesOf(
      'apiVersion: x\nusers: [{ username: a, role: king }]\noptions: { no.such: 1 }',
    )
    expect(issues.map(text => text.split(' ')[1])).toEqual([
      'apiVersion:',
      'users[0].role:',
      'options["no.such"]:',
    ])
  })

  test('a YAML bomb ends at the bound of aliases', async () => {
    const bomb = [
      'a0: &a0 [x]',
      ...Array.from(
        { length: 9 },
        (_, level) => `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
      ),
    ].join('\n')
    expect((await issuesOf(bomb))[0]).toMatch(/too many aliases/)
  })

  test('a file beyond its bound is not parsed', async () => {
    expect(await issuesOf(`#${'x'.repeat(16 * 1024 * 1024)}`)).toEqual([
      'y.yaml:1:1: found 16777217 bytes, allowed: 16777216 bytes',
    ])
  })
})
