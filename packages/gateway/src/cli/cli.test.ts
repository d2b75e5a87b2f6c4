import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CliBed, commitRequests, createCliBed, json } from './testing.ts'

let folder: string
let run: CliBed['run']
let bed: CliBed
beforeEach(() => {
  bed = createCliBed()
  ;({ folder, run } = bed)
})
afterEach(() => bed.remove())

test('a newcomer adds a channel, a user and a key with three commands', async () => {
  const channel = await run(
    ['channel', 'add', '--name', 'first', '--provider', 'openai', '--key-env', 'KEY', '--json'],
    { env: { KEY: 'sk-upstream' } },
  )
  expect(json(channel)).toMatchObject({
    name: 'first',
    provider: 'openai',
    models: expect.arrayContaining([expect.any(String)]),
  })
  expect((await run(['user', 'add', 'alice', '--balance', '10'])).exitCode).toBe(0)
  const key = await run(['key', 'add', '--user', 'alice', '--name', 'laptop'])
  expect(key.stdout).toMatch(/^sk-[A-Za-z0-9]{48}\n$/)
  expect(json(await run(['user', 'show', 'alice', '--json']))).toEqual({
    username: 'alice',
    group: 'default',
    kind: 'prepaid',
    balance: '10.000000000',
    reserved: '0.000000000',
    available: '10.000000000',
    spent: '0.000000000',
  })
  const listed = await run(['channel', 'show', 'first', '--json'])
  expect(json(listed).keys).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)])
  expect(listed.stdout).not.toContain('sk-upstream')
})

test('a key is bound to endpoints, addresses and models as it is made', async () => {
  const wishes = [
    '--endpoints',
    'chat,responses',
    '--allow-ips',
    '10.0.0.0/8, 192.0.2.7',
    '--deny-models',
    'o1*',
  ]
  await run(['key', 'add', '--name', 'bound', ...wishes])
  const exported = (await run(['export'])).stdout
  expect(exported).toMatch(/endpoints: \[ ?chat, responses ?\]/)
  expect(exported).toMatch(/allowIps: \[ ?10\.0\.0\.0\/8, 192\.0\.2\.7 ?\]/)
  expect(exported).toMatch(/denyModels: \[ ?o1\* ?\]/)
  const wrong = await run(['key', 'add', '--name', 'x', '--endpoints', 'chats'])
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--endpoints: found "chats"') })
  const range = await run(['key', 'add', '--name', 'x', '--allow-ips', '10.0.0.0/40'])
  expect(range).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--allow-ips: found 10.0.0.0/40'),
  })
})

test('a file that is not there is named', async () => {
  const missing = await run(['apply', '-f', 'nofile.yaml'])
  expect(missing.exitCode).toBe(1)
  expect(missing.stderr).toMatch(/there is no .*nofile\.yaml/)
})

const file = `apiVersion: yumen/v1
users: [{ username: alice, balance: "1" }]
apiKeys: [{ user: alice, name: ci }]
channels: [{ name: a, provider: openai, keys: [{ env: KEY }], models: [gpt-4o] }]
`

test('apply prints a generated key once, and changes nothing the second time', async () => {
  const path = join(folder, 'y.yaml')
  writeFileSync(path, file)
  const env = { KEY: 'sk-upstream' }
  const dry = await run(['apply', '-f', path, '--dry-run'], { env })
  expect(dry.stdout).toMatch(/\+ channel a\n3 changes; nothing was applied\.\n$/)
  const first = json(await run(['apply', '-f', path, '--json'], { env }))
  expect(first.generatedKeys).toEqual([{ user: 'alice', name: 'ci', key: expect.stringMatching(/^sk-/) }])
  expect(first.changes).toHaveLength(3)
  expect(json(await run(['apply', '-f', path, '--json'], { env }))).toEqual({
    dryRun: false,
    changes: [],
    generatedKeys: [],
    warnings: [],
  })
})

test('what export writes is applied again without a change', async () => {
  await run(['apply', '-f', '-'], { stdin: file, env: { KEY: 'sk-upstream' } })
  const exported = await run(['export', '--with-secrets', '-o', 'out.yaml'])
  expect(exported).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  expect(statSync(join(folder, 'out.yaml')).mode & 0o777).toBe(0o600)
  expect((await run(['apply', '-f', 'out.yaml'])).stdout).toBe('Nothing to change.\n')
})

test('a wrong file is told by line and column, applies nothing and exits 1', async () => {
  const stdin = `${file}chanels: []\n`
  const outcome = await run(['apply', '-f', '-'], { stdin, env: { KEY: 'x' } })
  expect(outcome.exitCode).toBe(1)
  expect(outcome.stderr).toMatch(/^stdin:5:1 chanels: found an unknown key/)
  expect(existsSync(join(folder, 'data', 'yumen.db'))).toBe(false)
})

test('what only the store can know is told by line and column as well', async () => {
  const stdin = 'apiVersion: yumen/v1\napiKeys:\n  - user: bob\n    name: ci\n'
  const outcome = await run(['apply', '-f', '-'], { stdin })
  expect(outcome.exitCode).toBe(1)
  expect(outcome.stderr).toContain('stdin:3:11 apiKeys[0].user: there is no user bob')
})

test.each([
  { says: 'an unknown command', words: ['serv'], exitCode: 1, stderr: /Did you mean serve/ },
  {
    says: 'a command that is not built yet',
    words: ['receipt', 'X'],
    exitCode: 1,
    stderr: /receipt is not built yet/,
  },
  {
    says: 'a user that is not there',
    words: ['user', 'show', 'nobody'],
    exitCode: 1,
    stderr: /there is no user nobody/,
  },
  {
    says: 'a key that is not there',
    words: ['key', 'disable', '7'],
    exitCode: 1,
    stderr: /there is no API key 7/,
  },
  {
    says: 'an amount that is none',
    words: ['user', 'add', 'a', '--balance', 'ten'],
    exitCode: 1,
    stderr: /--balance: found "ten", allowed: an amount/,
  },
  {
    says: 'a provider that is none',
    words: ['channel', 'add', '--name', 'a', '--provider', 'opnai', '--key', 'k'],
    exitCode: 1,
    stderr: /--provider: found "opnai", allowed: .*did you mean openai/,
  },
])('$says is an error with exit status $exitCode', async ({ words, exitCode, stderr }) => {
  const outcome = await run(words)
  expect(outcome.exitCode).toBe(exitCode)
  expect(outcome.stderr).toMatch(stderr)
  expect(outcome.stderr).not.toContain('bug')
})

test('a database that cannot be reached is exit status 2, a variable that is wrong 1', async () => {
  const away = await run(['user', 'list'], { env: { SQL_DSN: 'postgres://a:canary@127.0.0.1:1/x' } })
  expect(away.exitCode).toBe(2)
  expect(away.stderr).not.toContain('canary')
  const wrong = await run(['user', 'list'], { env: { PORT: 'x' } })
  expect(wrong).toMatchObject({
    exitCode: 1,
    stderr: 'yumen: PORT: found "x", allowed: a whole number from 0 to 65535\n',
  })
})

test('a request is listed and shown with its attempts, usage and charge', async () => {
  await run(['apply', '-f', '-'], { stdin: file, env: { KEY: 'sk-upstream' } })
  const [id = ''] = await commitRequests(folder, ['gpt-4o'])
  const shown = json(await run(['requests', 'show', id, '--json']))
  expect(shown).toMatchObject({
    requestId: id,
    client: 'openai-chat',
    user: 'alice',
    model: 'gpt-4o',
    upstreamModel: 'gpt-4o-2024',
    channel: 'a',
    attempts: [{ channel: 'a', keyFingerprint: 'f00d', class: 'ok', status: 200, ms: 12 }],
    usage: { input: 3, output: 4, cacheRead: 0, cacheWrite: { '5m': 0 } },
    source: 'upstream',
    charge: '0.000000007',
    warnings: [],
    timings: { authenticated: 1, bodyRead: 2, planned: 3, ended: 20 },
  })
  const listed = json(
    await run(['requests', 'list', '--user', 'alice', '--channel', 'a', '--since', '1h', '--json']),
  )
  expect(listed).toEqual({ items: [shown], next: null, scannedTo: null })
  expect(json(await run(['user', 'show', 'alice', '--json']))).toMatchObject({
    balance: '0.999999993',
    spent: '0.000000007',
  })
  expect((await run(['requests', 'list', '--model', 'other'])).stdout).toBe('No requests.\n')
})

test('doctor names a key file that others can read, and a port that something else holds', async () => {
  await run(['user', 'add', 'root', '--role', 'root'])
  await run(['channel', 'add', '--name', 'a', '--provider', 'openai', '--key', 'k'])
  chmodSync(join(folder, 'data', 'secret.key'), 0o644)
  const other = createServer((_, response) => response.writeHead(404).end()).listen(0, '0.0.0.0')
  await new Promise(resolve => other.once('listening', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  const outcome = await run(['doctor', '--json'], { env: { PORT: port, YUMEN_LOGLEVEL: 'debug' } })
  other.close()
  expect(outcome.exitCode).toBe(1)
  const states = new Map<string, string>(
    json(outcome).checks.map((check: { name: string; state: string }) => [check.name, check.state]),
  )
  expect(Object.fromEntries(states)).toMatchObject({
    runtime: 'ok',
    environment: 'warn',
    secret: 'fail',
    store: 'ok',
    schema: 'ok',
    port: 'fail',
    journal: expect.any(String),
  })
})

test('what nothing reads is told by apply, channel show and doctor', async () => {
  const stdin = `${file.trimEnd().replace('models:', 'settings: { openrouter_enterprise: true, upstream_model_update_check_enabled: true }, models:')}\n`
  const applied = await run(['apply', '-f', '-', '--json'], { stdin, env: { KEY: 'k' } })
  const lines = ['settings.openrouter_enterprise', 'settings.upstream_model_update_check_enabled'].map(
    name => `channel a: ${name} is kept but has no effect in this version yet`,
  )
  expect(json(applied).warnings).toEqual(lines)
  const told = lines.map(line => `warning: ${line}\n`).join('')
  expect(applied.stderr).toBe(told)
  expect((await run(['channel', 'show', 'a'])).stderr).toBe(told)
  const { checks } = json(await run(['doctor', '--json'], { env: { PORT: '0' } }))
  expect(checks).toEqual(
    expect.arrayContaining(lines.map(found => expect.objectContaining({ state: 'warn', found }))),
  )
})

test('doctor names the channels whose keys another secret sealed', async () => {
  await run(['channel', 'add', '--name', 'a', '--provider', 'openai', '--key', 'k'])
  const checkOf = async (env: Readonly<Record<string, string>>) =>
    json(await run(['doctor', '--json'], { env: { PORT: '0', ...env } })).checks.find(
      (check: { name: string }) => check.name === 'channel keys',
    )
  expect(await checkOf({})).toMatchObject({ state: 'ok' })
  expect(await checkOf({ CRYPTO_SECRET: 'another secret of sixteen' })).toMatchObject({
    state: 'fail',
    found: expect.stringContaining('of a: a sealed value does not open with the secret of CRYPTO_SECRET'),
    advice: expect.any(String),
  })
  rmSync(join(folder, 'data', 'secret.key'))
  expect(await checkOf({})).toMatchObject({ state: 'fail', found: expect.stringContaining('is not here') })
  expect(existsSync(join(folder, 'data', 'secret.key'))).toBe(false)
})

test('under --json each command prints one document, and so does its failure', async () => {
  await run(['apply', '-f', '-'], { stdin: file, env: { KEY: 'k' } })
  const documentOf = async (...words: string[]) => json(await run([...words, '--json']))
  expect(await documentOf('user', 'disable', 'alice')).toEqual({ username: 'alice', status: 'disabled' })
  expect(await documentOf('user', 'enable', 'alice')).toEqual({ username: 'alice', status: 'enabled' })
  const { id } = (await documentOf('key', 'list')).items[0]
  expect(await documentOf('key', 'disable', String(id))).toEqual({ id, status: 'disabled' })
  expect(await documentOf('key', 'remove', String(id))).toEqual({ id, removed: true })
  expect(await documentOf('channel', 'disable', 'a')).toEqual({ name: 'a', enabled: false })
  expect((await documentOf('export')).channels).toMatchObject([
    { name: 'a', keys: [{ env: 'YUMEN_CHANNEL_A_KEY' }] },
  ])
  expect(await documentOf('export', '-o', 'out.yaml')).toEqual({
    output: 'out.yaml',
    withSecrets: false,
    leftOut: [],
  })
  expect(await documentOf('channel', 'remove', 'a')).toEqual({ name: 'a', removed: true })
}, 20_000)

test.each([
  { says: 'what is not there', words: ['user', 'show', 'nobody'], message: /there is no user nobody/ },
  { says: 'an unknown option', words: ['user', 'list', '--x'], message: /^unknown option '--x'/ },
  { says: 'a missing argument', words: ['channel', 'show'], message: /missing required argument/ },
  {
    says: 'a wrong file',
    words: ['apply', '-f', '-'],
    message: /^stdin:1:1.*\nNothing was applied: one thing/,
  },
  { says: 'what is not built', words: ['receipt', 'x'], message: /not built yet/ },
])('$says is one JSON document under --json', async ({ words, message }) => {
  const outcome = await run([...words, '--json'], { stdin: '{}' })
  expect(outcome).toMatchObject({ exitCode: 1, stderr: '' })
  expect(json(outcome)).toEqual({ error: { message: expect.stringMatching(message) } })
})

test.each([
  {
    says: 'a key with a line break',
    words: ['--key', 'canary\nx: y'],
    stderr: /--key: found a text of 11 char/,
  },
  {
    says: 'an address with a password',
    words: ['--key', 'k', '--base-url', 'https://u:canary@x.y'],
    stderr: /--base-url: found "https:\/\/\*\*\*@x\.y", allowed: an http/,
  },
])('$says is refused by channel add', async ({ words, stderr }) => {
  const outcome = await run(['channel', 'add', '--name', 'a', '--provider', 'openai', ...words])
  expect(outcome.exitCode).toBe(1)
  expect(outcome.stderr).toMatch(stderr)
  expect(outcome.stderr).not.toContain('canary')
})

test('migrate says what is pending and what it did', async () => {
  expect(json(await run(['migrate', '--json']))).toMatchObject({
    store: 'sqlite',
    applied: expect.arrayContaining([expect.stringMatching(/^0001-/)]),
    pending: [],
  })
  expect((await run(['migrate', '--status'])).stdout).toMatch(/^The schema is up to date/)
})

test('a password is read from stdin and never from the command line', async () => {
  const added = await run(['user', 'add', 'root', '--role', 'root', '--password-stdin'], {
    stdin: 'correct-horse\n',
  })
  expect(added.stdout).toBe('Added user root.\n')
  expect((await run(['user', 'password', 'root', '--password-stdin'], { stdin: 'short' })).stderr).toContain(
    '8 to 128 characters',
  )
  expect((await run(['user', 'password', 'root'])).stderr).toContain('use --password-stdin')
})

test.each([
  'serve',
  'apply',
  'export',
  'user',
  'key',
  'channel',
  'requests',
  'migrate',
  'doctor',
  'simulate',
])('%s --help shows an example', async command => {
  const { exitCode, stdout } = await run([command, '--help'])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(new RegExp(`Examples:\n  yumen ${command}`))
})
