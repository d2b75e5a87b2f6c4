import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ask, bodyOf, dialects, headersOf, pathOf, startAsking } from '../faults/ask.ts'
import { eventually, sleep } from '../faults/eventually.ts'
import { type Stage, startStage } from '../faults/load.ts'
import { testKey } from '../gateway.ts'
import { endUnharmed } from './end-unharmed.ts'
import { askRaw, beside, exchange, expectError, open, rawRequest } from './raw.ts'

/** Limits that a crowd on one machine can reach. */
const perAddressMax = 300
const streamsPerKeyMax = 4
const bodyMb = 32
const keyOf = (name: string) => `sk-${name}${'0'.repeat(48 - name.length)}`
const bobsKey = keyOf('bob')

let stage: Stage
let url: string
beforeAll(async () => {
  stage = await startStage({
    models: ['sim', 'sim-slow-tokens300'],
    env: { MAX_REQUEST_BODY_MB: String(bodyMb) },
    more: {
      users: [
        { username: 'alice', balance: '100' },
        { username: 'bob', balance: '100' },
      ],
      apiKeys: [
        { user: 'alice', name: 'test', key: testKey },
        { user: 'alice', name: 'streams', key: keyOf('streams') },
        { user: 'bob', name: 'test', key: bobsKey },
      ],
      options: {
        'server.connectionsPerAddressMax': perAddressMax,
        'server.streamsPerKeyMax': streamsPerKeyMax,
      },
    },
  })
  url = stage.gateway.url
})
afterAll(() => endUnharmed(stage))
afterEach(async () => {
  await eventually(
    () => metric('yumen_bytes_in_flight'),
    bytes => bytes === 0,
  )
  await eventually(
    () => metric('yumen_open_streams'),
    streams => streams === 0,
  )
})

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

describe('a slow-loris', () => {
  const from = { localAddress: '127.0.0.9' }

  test('of hundreds of half requests disturbs nobody, and takes no more than its own connections', async () => {
    const ends = await beside(url, async () => {
      const sockets = Array.from({ length: perAddressMax + 50 }, () => open(url, from))
      const closed = sockets.map(
        socket => new Promise<boolean>(resolve => socket.once('close', () => resolve(true))),
      )
      for (const socket of sockets) socket.resume().write('POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-slow: ')
      for (let round = 0; round < 10; round++) {
        for (const socket of sockets) if (socket.writable) socket.write('z')
        await sleep(50)
      }
      const states = closed.map(end => Promise.race([end, sleep(0).then(() => false)]))
      const ended = (await Promise.all(states)).filter(Boolean).length
      for (const socket of sockets) socket.destroy()
      return ended
    })
    expect(ends).toBe(50)
  })

  test('of bodies that do not go on disturbs nobody', async () => {
    await beside(url, async () => {
      const head = rawRequest('POST /v1/chat/completions', {
        ...headersOf({ dialect: 'chat', model: 'sim', isStreaming: false, key: bobsKey }),
        'content-length': '100000',
      })
      const sockets = Array.from({ length: perAddressMax - 20 }, () => open(url, from))
      for (const socket of sockets) socket.resume().write(head)
      for (let round = 0; round < 10; round++) {
        for (const socket of sockets) socket.write('{')
        await sleep(50)
      }
      for (const socket of sockets) socket.destroy()
    })
  })
})

describe('the streams of one key', () => {
  const question = { model: 'sim-slow-tokens300', isStreaming: true, key: keyOf('streams') } as const

  test.each(dialects)('%s: the newest is refused, whole answers and other keys are not', async dialect => {
    const held = Array.from({ length: streamsPerKeyMax }, () => startAsking(url, { ...question, dialect }))
    await eventually(
      () => held.filter(asking => asking.text() !== '').length,
      started => started === streamsPerKeyMax,
    )
    const refused = { ...question, dialect }
    const body = bodyOf(refused)
    const answer = await askRaw(
      url,
      rawRequest(
        `POST ${pathOf(refused)}`,
        { ...headersOf(refused), 'content-length': String(body.length) },
        body,
      ),
    )
    expectError(dialect, answer, 429)
    expect(answer.headers['retry-after']).toBe('1')
    expect((await ask(url, { ...refused, model: 'sim', isStreaming: false })).isWhole).toBe(true)
    expect((await ask(url, { dialect, model: 'sim', isStreaming: true })).isWhole).toBe(true)
    for (const asking of held) asking.request.destroy()
    const again = await eventually(
      () => ask(url, { ...refused, model: 'sim' }),
      found => found?.isWhole === true,
    )
    expect(again.status).toBe(200)
  })
})

describe('the bytes of one account', () => {
  test('that takes its whole share is refused more, and others are served', { timeout: 60_000 }, async () => {
    const limits = Object.fromEntries(await limitLines())
    const share = limits['accountBytesInFlightMax'] ?? 0
    expect(share).toBeLessThan(limits['bodiesInFlightBytesMax'] ?? 0)
    const bytes = (bodyMb - 1) * 1024 * 1024
    const big = { dialect: 'chat', model: 'sim', isStreaming: false, key: bobsKey } as const
    const head = rawRequest('POST /v1/chat/completions', {
      ...headersOf(big),
      'content-length': String(bytes),
    })
    const part = Buffer.concat([head, Buffer.alloc(bytes - 1, ' ')])
    const sockets = Array.from({ length: Math.floor(share / bytes) }, () => open(url))
    for (const socket of sockets) socket.resume().write(part)
    await eventually(
      () => metric('yumen_bytes_in_flight'),
      held => held !== undefined && held >= sockets.length * (bytes - 1),
      30_000,
    )
    const refused = await exchange(url, part, { withinMs: 20_000 })
    expect(refused).toMatch(/^HTTP\/1\.1 503 /)
    expect(refused).toMatch(/\r\nretry-after: 1\r\n/)
    expect(refused).toContain('the requests of this account hold as many bytes as they may')
    const other = await ask(url, { dialect: 'chat', model: 'sim', isStreaming: true })
    expect(other.isWhole).toBe(true)
    for (const socket of sockets) socket.destroy()
  })

  async function limitLines(): Promise<readonly (readonly [string, number])[]> {
    const { limits } = (await stage.gateway.yumenJson('doctor', '--limits')) as {
      readonly limits: readonly { readonly name: string; readonly value: number }[]
    }
    return limits.map(({ name, value }) => [name, value])
  }
})
