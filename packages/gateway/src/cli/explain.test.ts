import { writeFileSync } from 'node:fs'
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

const routed = `apiVersion: yumen/v1
groups: { default: { ratio: "1" }, vip: { ratio: "0.8" } }
prices: { m: { input: "2.50", output: "10" } }
users: [{ username: alice, group: default }]
apiKeys: [{ user: alice, name: laptop, key: sk-${'0'.repeat(48)} }]
channels:
  - { name: first, provider: openai, keys: [a], models: [m], priority: 5, weight: 1 }
  - { name: second, provider: openai, keys: [b], models: [m], priority: 5, weight: 3 }
  - { name: third, provider: openai, keys: [c], models: [m] }
  - { name: off, provider: openai, keys: [d], models: [m], enabled: false }
  - { name: other-tongue, provider: anthropic, keys: [e], models: [m] }
  - { name: round, provider: openai, keys: [f], models: [m], modelMapping: { m: n, n: m } }
`

test('explain says where a request would go, in which order, and why not elsewhere', async () => {
  await run(['apply', '-f', '-'], { stdin: routed })
  const key = `sk-${'0'.repeat(48)}`
  const explained = json(await run(['explain', '--key', key, '--model', 'm', '--json']))
  expect(explained.candidates).toMatchObject([
    { channel: 'second', tier: 0, share: 0.75 },
    { channel: 'first', tier: 0, share: 0.25 },
    { channel: 'third', tier: 1, share: 1 },
    { channel: 'off', excluded: 'disabled' },
    { channel: 'other-tongue', excluded: 'dialect_unsupported' },
    { channel: 'round', excluded: 'mapping_cycle' },
  ])
  expect(explained.price).toMatchObject({
    pattern: 'm',
    groupRatio: '1',
    rates: { input: '2.50', output: '10' },
  })
  const shown = await run(['explain', '--key', key, '--model', 'm'])
  expect(shown.stdout).toMatch(/second +default +0 +75 %/)
  const elsewhere = json(await run(['explain', '--group', 'vip', '--model', 'm', '--json']))
  expect(elsewhere).toMatchObject({ candidates: [], reason: 'not_served' })
})

test('explain reads affinity from a request: one channel has all turns of a conversation', async () => {
  await run(['apply', '-f', '-'], { stdin: routed })
  writeFileSync(
    join(folder, 'ask.json'),
    JSON.stringify({ model: 'm', prompt_cache_key: 'c1', messages: [] }),
  )
  const explained = json(await run(['explain', '--group', 'default', '--request', 'ask.json', '--json']))
  expect(explained.affinity).toBe(true)
  expect(explained.candidates.slice(0, 2).map(({ share }: { share: number }) => share)).toEqual([1, 0])
})

test('explain replay tries a policy on recorded requests and changes nothing', async () => {
  await run(['apply', '-f', '-'], { stdin: routed })
  await commitRequests(folder, ['gpt-4o'])
  writeFileSync(
    join(folder, 'policy.yaml'),
    'apiVersion: yumen/v1\nchannels: [{ name: best, provider: openai, keys: [x], models: [gpt-4o] }]\n',
  )
  const before = (await run(['export'])).stdout
  const tried = json(await run(['explain', 'replay', '-f', 'policy.yaml', '--json']))
  expect(tried).toMatchObject({
    requests: 1,
    moved: 1,
    unserved: { before: 1, after: 0 },
    channels: [{ channel: 'best', before: 0, after: 1 }],
  })
  expect((await run(['export'])).stdout).toBe(before)
})

const twoModels = (first: string, second: string) => `apiVersion: yumen/v1
users: [{ username: me }]
apiKeys: [{ user: me, name: laptop }]
channels:
  - { name: a, provider: openai, keys: [a], models: [${first}] }
  - { name: b, provider: openai, keys: [b], models: [${second}] }
`

test('explain replay counts each request that moves, though every channel keeps its sum', async () => {
  await run(['apply', '-f', '-'], { stdin: twoModels('m', 'n') })
  await commitRequests(folder, ['m', 'm', 'm', 'n', 'n', 'n'])
  writeFileSync(join(folder, 'policy.yaml'), twoModels('n', 'm'))
  const tried = json(await run(['explain', 'replay', '-f', 'policy.yaml', '--json']))
  expect(tried).toMatchObject({ requests: 6, moved: 6 })
  expect(tried.channels).toEqual([
    { channel: 'a', before: 3, after: 3 },
    { channel: 'b', before: 3, after: 3 },
  ])
  expect(tried.moves).toHaveLength(2)
  expect(tried.moves).toEqual(
    expect.arrayContaining([
      { model: 'm', from: 'a', to: 'b', requests: 3 },
      { model: 'n', from: 'b', to: 'a', requests: 3 },
    ]),
  )
  const printed = (await run(['explain', 'replay', '-f', 'policy.yaml'])).stdout
  expect(printed).toMatch(/Of 6 requests 6 would go elsewhere\./)
  expect(printed).toMatch(/m +a +b +3/)
})

test('explain replay takes a file with API keys of known users, as apply does, and makes none of them', async () => {
  await run(['apply', '-f', '-'], { stdin: twoModels('m', 'n') })
  await commitRequests(folder, ['m'])
  const policy = twoModels('m', 'n')
    .replace('name: laptop', 'name: other')
    .replace(/users: .*\n/, '')
  writeFileSync(join(folder, 'policy.yaml'), policy)
  const before = (await run(['export'])).stdout
  const tried = await run(['explain', 'replay', '-f', 'policy.yaml', '--json'])
  expect([tried.exitCode, json(tried).moved]).toEqual([0, 0])
  expect((await run(['export'])).stdout).toBe(before)
})

test('explain replay places what only the store refuses in the file', async () => {
  await run(['apply', '-f', '-'], { stdin: twoModels('m', 'n') })
  writeFileSync(join(folder, 'policy.yaml'), twoModels('m', 'n').replace('user: me', 'user: bob'))
  const tried = await run(['explain', 'replay', '-f', 'policy.yaml'])
  expect(tried.exitCode).toBe(1)
  expect(tried.stderr).toMatch(/policy\.yaml:3:\d+ apiKeys\[0\]\.user: there is no user bob/)
})

test('explain replay --prune tries what the file no longer names', async () => {
  const path = join(folder, 'y.yaml')
  writeFileSync(path, twoModels('m', 'm'))
  await run(['apply', '-f', path])
  await commitRequests(folder, ['m', 'm'])
  writeFileSync(path, twoModels('m', 'm').replace(/ {2}- { name: b.*\n/, ''))
  expect(json(await run(['explain', 'replay', '-f', path, '--json']))).toMatchObject({ moved: 0 })
  const pruned = json(await run(['explain', 'replay', '-f', path, '--prune', '--json']))
  expect(pruned).toMatchObject({ moved: 1, moves: [{ model: 'm', from: 'b', to: 'a', requests: 1 }] })
})

test('explain replay asks for a key that is in auto in all of its groups', async () => {
  const grouped = (group: string) => `apiVersion: yumen/v1
groups: { default: { ratio: "1" }, spare: { ratio: "1" } }
users: [{ username: me }]
apiKeys: [{ user: me, name: laptop, group: auto }]
channels: [{ name: a, provider: openai, keys: [a], models: [m], groups: [${group}] }]
options: { routing.autoGroups: [default, spare] }
`
  const applied = await run(['apply', '-f', '-'], { stdin: grouped('default') })
  expect(applied.stderr).toBe('')
  await commitRequests(folder, ['m'])
  writeFileSync(join(folder, 'policy.yaml'), grouped('spare'))
  const tried = json(await run(['explain', 'replay', '-f', 'policy.yaml', '--json']))
  expect(tried).toMatchObject({ requests: 1, moved: 0, unserved: { before: 0, after: 0 } })
})

test('explain shows a refusal with its words', async () => {
  await run(['apply', '-f', '-'], {
    stdin: routed.replace('name: laptop,', 'name: laptop, models: [other],'),
  })
  const { exitCode, stdout, stderr } = await run(['explain', '--key', `sk-${'0'.repeat(48)}`, '--model', 'm'])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/second +default +0 +0 %/)
  expect(stderr).toMatch(/refused with 403: the API key "laptop" may not use the model "m"/)
})

test('explain takes a model from beside a file that names none, and refuses two', async () => {
  await run(['apply', '-f', '-'], { stdin: routed })
  writeFileSync(join(folder, 'open.json'), '{"messages": []}')
  writeFileSync(join(folder, 'closed.json'), '{"model": "m", "stream": false}')
  const words = ['explain', '--group', 'default', '--json', '--request']
  expect(json(await run([...words, 'open.json', '--model', 'm', '--stream'])).model).toBe('m')
  expect(json(await run([...words, 'closed.json', '--model', 'n'])).error.message).toMatch(
    /--model: .* leave one out/,
  )
  expect(json(await run([...words, 'closed.json', '--stream'])).error.message).toMatch(
    /--stream: .* leave one out/,
  )
  writeFileSync(join(folder, 'twice.json'), '{"model": "m", "model": "m"}')
  expect(json(await run([...words, 'twice.json'])).error.message).toMatch(/refused with 400: .* given twice/)
})

test.each([
  { words: ['--model', 'm'], says: '--key' },
  { words: ['--group', 'default'], says: '--model' },
  { words: ['--key', 'sk-unknown', '--model', 'm'], says: 'no such API key' },
  { words: ['--group', 'default', '--model', 'm', '--header', 'nothing'], says: '--header' },
  { words: ['--request-id', 'nope'], says: 'no request nope' },
  { words: ['replay', '-f', 'x', '--last', '0'], says: '--last' },
])('explain $words says what is missing', async ({ words, says }) => {
  const outcome = await run(['explain', ...words])
  expect(outcome.exitCode).toBe(1)
  expect(outcome.stderr).toContain(says)
})
