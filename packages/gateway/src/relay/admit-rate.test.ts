import { createServer, type Server } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { limits, resolveOptions } from '#config'
import type { CallerKey } from '#identity'
import type { SettledRecord } from '#journal'
import { createLimiter } from '#limiting'
import { createRelay, type Relay } from './create-relay.ts'

const key: CallerKey = {
  id: 1,
  name: 'laptop',
  accountId: 1,
  userId: 1,
  username: 'ann',
  userGroup: 'default',
  organisation: undefined,
  role: 'user',
  isUserEnabled: true,
  isEnabled: true,
  group: 'default',
  expiresAt: undefined,
  limitNusd: undefined,
  spent: { nusd: 0n },
  endpoints: undefined,
  allowIps: undefined,
  models: undefined,
  denyModels: [],
  rateLimit: { concurrency: 1, tokensPerMinute: 1_000 },
}
const one = { num: 1n, den: 1n }
const options = resolveOptions([])
const unused = (name: string) => () => {
  throw new Error(`${name} is not to be reached`)
}

let running: { readonly server: Server; readonly relay: Relay } | undefined
afterEach(async () => {
  running?.relay.close()
  running?.server.closeAllConnections()
  await new Promise(resolve => (running === undefined ? resolve(undefined) : running.server.close(resolve)))
})

/** A relay in which the step behind the admission breaks as `plan` does. */
async function startBreaking(plan: () => never) {
  const records: SettledRecord[] = []
  const bugs: unknown[] = []
  const limiter = createLimiter({
    options: () => options,
    limits,
    clock: () => 0,
    now: () => 0,
    nodes: () => 1,
    nodeId: 'n',
  })
  const services = {
    keyring: { find: () => key, stop: unused('stop') },
    snapshot: () => ({
      options,
      groups: new Map([['default', { name: 'default', ratio: one, ratioText: '1' }]]),
      findPrice: () => undefined,
    }),
    routing: { plan },
    limiter,
    journal: {
      isAccepting: true,
      append: (_record: unknown, released?: (f: undefined) => void) => released?.(undefined),
    },
    limits,
    clock: () => 0,
    now: () => 0,
    makeId: () => 'id',
    observer: {
      onSettled: (record: SettledRecord) => records.push(record),
      onRefused: unused('onRefused'),
      onRateLimited: () => undefined,
      onShed: unused('onShed'),
      onBug: (_id: string, error: unknown) => bugs.push(error),
    },
  }
  // No step up to `plan` asks for more.
  const relay = createRelay(services as never)
  const server = createServer((request, response) => relay.handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  running = { server, relay }
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-x', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens: 900, messages: [] }),
    })
  return { ask, records, bugs, limiter }
}

test('a step that breaks gives back the place and the tokens, each time', async () => {
  const { ask, records, bugs, limiter } = await startBreaking(() => {
    throw new TypeError('a bug')
  })
  for (let count = 0; count < 3; count++) {
    const response = await ask()
    expect(response.status).toBe(500)
    expect(response.headers.get('x-ratelimit-remaining-tokens')).toMatch(/^\d\d?$/)
  }
  expect(bugs).toHaveLength(3)
  expect(records.map(record => record.class)).toEqual(['internal', 'internal', 'internal'])
  expect(limiter.size).toBe(0)
})
