import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Simulator, startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../faults/eventually.ts'
import { startTestGateway, type TestGateway } from '../gateway.ts'

/** `yumen explain` beside the gateway that it speaks of: what it says is what the relay does. */

const secret = (word: string) => `sk-${word.padEnd(48, '0')}`
const bound = {
  narrow: { models: ['other'] },
  denied: { denyModels: ['sim'] },
  embedding: { endpoints: ['embeddings'] },
  disabled: { enabled: false },
  expired: { expiresAt: '2020-01-01T00:00:00Z' },
  spent: { limit: '0' },
  elsewhere: { allowIps: ['192.0.2.0/24'] },
} as const

function yamlOf(upstream: string, options: object = {}): string {
  return JSON.stringify({
    apiVersion: 'yumen/v1',
    users: [{ username: 'alice', balance: '100' }],
    apiKeys: [
      { user: 'alice', name: 'free', key: secret('free') },
      ...Object.entries(bound).map(([name, bounds]) => ({
        user: 'alice',
        name,
        key: secret(name),
        ...bounds,
      })),
    ],
    channels: Array.from({ length: 8 }, (_, index) => ({
      name: `channel-${index}`,
      provider: 'openai',
      baseUrl: upstream,
      keys: [`upstream-key-${index}`],
      models: ['sim'],
    })),
    options,
  })
}

let simulator: Simulator
let gateway: TestGateway
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  gateway = await startTestGateway({ yaml: yamlOf(simulator.url) })
})
afterAll(async () => {
  await gateway.remove()
  await simulator.close()
})

interface Sent {
  readonly body: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

function send({ body, key = secret('free'), headers = {} }: Sent): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
  })
}

/** The channel that its record names. */
async function channelOf(sent: Sent): Promise<string> {
  const response = await send(sent)
  const id = response.headers.get('x-request-id') ?? ''
  expect(response.status).toBe(200)
  await response.text()
  const shown = await eventually(
    () =>
      gateway.yumenJson('requests', 'show', id).then(
        value => value,
        () => undefined,
      ),
    undefined,
    10_000,
  )
  return (shown as { channel: string }).channel
}

interface Explained {
  readonly affinity: boolean
  readonly candidates: readonly { channel: string; share: number }[]
  readonly refusal: { class: string; status: number; message: string } | null
}

async function explain({ body, key = secret('free') }: Sent, ...words: string[]): Promise<Explained> {
  const file = join(gateway.dataDir, 'ask.json')
  await writeFile(file, body)
  return (await gateway.yumenJson('explain', '--key', key, '--request', file, ...words)) as Explained
}

const turns = (topic: string) => [
  { role: 'user', content: `Tell me of ${topic}.` },
  { role: 'assistant', content: 'Well.' },
  { role: 'user', content: 'Go on.' },
]

test.each(['rivers', 'mountains', 'ships'])(
  'a conversation about %s, printed over many lines, is explained as it is routed',
  async topic => {
    const body = JSON.stringify({ model: 'sim', messages: turns(topic) }, undefined, 2)
    const { candidates, affinity } = await explain({ body })
    expect([affinity, candidates[0]?.share]).toEqual([true, 1])
    expect(candidates[0]?.channel).toBe(await channelOf({ body }))
  },
)

test.each(['one', 'two', 'three'])('the session %s in a header counts', async session => {
  const body = JSON.stringify({ model: 'sim', messages: turns('nothing') })
  const { candidates } = await explain({ body }, '--header', `Session_ID: ${session}`)
  expect(candidates[0]?.channel).toBe(await channelOf({ body, headers: { session_id: session } }))
})

describe('a key is admitted as the relay admits it', () => {
  const body = JSON.stringify({ model: 'sim', messages: [] })

  test.each(Object.keys(bound))('%s', async name => {
    const key = secret(name)
    const response = await send({ body, key })
    const told = (await response.json()) as { error: { message: string } }
    const explained = await explain({ body, key }, '--client-ip', '127.0.0.1')
    expect(explained.refusal).toMatchObject({ status: response.status, message: expect.any(String) })
    expect(told.error.message).toContain(explained.refusal?.message)
    expect(explained.candidates.map(({ share }) => share)).toEqual(Array(8).fill(0))
  })

  test('one that names a channel and is no administrator is refused', async () => {
    const key = `${secret('free')}-1`
    const response = await send({ body, key })
    expect((await explain({ body, key })).refusal?.status).toBe(response.status)
  })

  test('one that may do it is not refused', async () => {
    const { refusal, candidates } = await explain({ body })
    expect(refusal).toBeNull()
    expect(candidates.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })
})

test('without routing.affinity no sign of a conversation counts', async () => {
  const body = JSON.stringify({ model: 'sim', messages: turns('rivers') })
  await gateway.apply(yamlOf(simulator.url, { 'routing.affinity': false }))
  const { affinity, candidates } = await explain({ body })
  expect(affinity).toBe(false)
  expect(candidates.map(({ share }) => share)).toEqual(Array(8).fill(0.125))
})
