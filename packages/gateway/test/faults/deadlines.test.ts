import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, bodyOf, type Dialect, dialects, headersOf, pathOf } from './ask.ts'
import { findRecord } from './books.ts'
import { type DeafPort, openDeafPort } from './deaf-port.ts'
import { type Stage, startStage } from './load.ts'

let stage: Stage
let deaf: DeafPort
beforeAll(async () => {
  deaf = await openDeafPort()
  stage = await startStage({
    more: upstream => ({
      options: { 'relay.totalTimeoutMs': 2_500 },
      channels: ['openai', 'anthropic', 'gemini'].flatMap(provider => [
        {
          name: `${provider}-deaf`,
          provider,
          baseUrl: `http://127.0.0.1:${deaf.port}`,
          keys: ['key'],
          models: ['deaf', 'rescued'],
          priority: 5,
          modelMapping: { rescued: 'sim' },
          settings: { connectTimeoutMs: 300 },
        },
        {
          name: `${provider}-good`,
          provider,
          baseUrl: upstream,
          keys: ['key'],
          models: [
            'rescued',
            'sim-tokens3000-gap10',
            'sim-delay9000',
            'sim-bytes7-crlf-gap5',
            'sim-tokens100-gap3',
          ],
          modelMapping: { rescued: 'sim' },
        },
      ]),
    }),
  })
})
afterAll(async () => {
  await stage.close()
  deaf.close()
})

describe('a host that takes no connection', () => {
  test.each(dialects)('%s: is given up at connectTimeoutMs', async dialect => {
    const startedAt = performance.now()
    const answer = await ask(stage.gateway.url, { dialect, model: 'deaf', isStreaming: false })
    expect(answer.status).toBe(504)
    expect(performance.now() - startedAt).toBeGreaterThan(290)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    const record = await findRecord(stage.gateway.dataDir, answer.id)
    expect(record).toMatchObject({
      class: 'upstream_timeout',
      amount: 0n,
      attempts: [{ class: 'upstream_timeout' }],
    })
    expect(record.attempts[0]).not.toHaveProperty('mayBeBilled')
  })

  test.each(dialects)('%s: is left for the next candidate', async dialect => {
    const answer = await ask(stage.gateway.url, { dialect, model: 'rescued', isStreaming: true })
    expect(answer.isWhole).toBe(true)
  })
})

describe('relay.totalTimeoutMs', () => {
  test.concurrent.each(dialects)(
    '%s: ends a stream that goes on for too long, in good form',
    async dialect => {
      const startedAt = performance.now()
      const answer = await ask(stage.gateway.url, {
        dialect,
        model: 'sim-tokens3000-gap10',
        isStreaming: true,
      })
      expect(performance.now() - startedAt).toBeGreaterThan(2_400)
      expect(performance.now() - startedAt).toBeLessThan(4_000)
      expect(answer).toMatchObject({ status: 200, isWhole: false, error: undefined })
      expect(answer.text).toContain('error')
      expect(await findRecord(stage.gateway.dataDir, answer.id)).toMatchObject({
        class: 'upstream_timeout',
        source: 'counted',
      })
    },
  )

  test.concurrent.each(dialects)('%s: ends the wait for a whole answer', async dialect => {
    const answer = await ask(stage.gateway.url, { dialect, model: 'sim-delay9000', isStreaming: false })
    expect(answer.status).toBe(504)
  })
})

test.each(dialects)(
  '%s: what is written is cut at the ends of events, however the upstream cuts it',
  async dialect => {
    for (const model of ['sim-bytes7-crlf-gap5', 'sim-tokens100-gap3']) {
      const pieces = await readChunks(stage.gateway.url, dialect, model)
      expect(pieces.length).toBeGreaterThan(2)
      expect(pieces.filter(piece => !/(?:\r?\n){2}$/.test(piece))).toEqual([])
    }
  },
)

/** The chunks of a chunked answer as they stand on the wire. */
async function readChunks(url: string, dialect: Dialect, model: string): Promise<string[]> {
  const question = { dialect, model, isStreaming: true }
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const body = bodyOf(question)
  const head = Object.entries({
    ...headersOf(question),
    host: hostname,
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  })
  socket.write(
    `POST ${pathOf(question)} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
  const answer = Buffer.concat(await socket.toArray())
  const pieces: string[] = []
  for (let at = answer.indexOf('\r\n\r\n') + 4; at < answer.length; ) {
    const lineEnd = answer.indexOf('\r\n', at)
    const size = Number.parseInt(answer.toString('latin1', at, lineEnd), 16)
    if (size === 0) return pieces
    pieces.push(answer.toString('utf8', lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  throw new Error('the chunked answer has no end')
}
