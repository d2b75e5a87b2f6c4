import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, dialects } from '../faults/ask.ts'
import { type Stage, startStage } from '../faults/load.ts'

/** An upstream that redirects every request to where the body and the key must never go. */
const asked: string[] = []
const elsewhere = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.end('{}')
})
const redirecting = createServer((request, response) => {
  const { port } = elsewhere.address() as AddressInfo
  request.resume().on('end', () => {
    response.writeHead(307, { location: `http://127.0.0.1:${port}${request.url}` }).end()
  })
})

let stage: Stage
beforeAll(async () => {
  for (const server of [elsewhere, redirecting])
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`
  stage = await startStage({
    more: {
      channels: ['openai', 'anthropic', 'gemini'].map(provider => ({
        name: provider,
        provider,
        baseUrl,
        keys: ['upstream-key'],
        models: ['sim'],
      })),
    },
  })
})
afterAll(async () => {
  for (const server of [elsewhere, redirecting]) server.close()
  await stage.close()
})

test.each(dialects)('%s: an upstream’s redirect is not followed', async dialect => {
  for (const isStreaming of [true, false]) {
    const answer = await ask(stage.gateway.url, { dialect, model: 'sim', isStreaming })
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(answer.headers['location']).toBeUndefined()
    expect(answer.text).not.toContain('127.0.0.1')
  }
  expect(asked).toEqual([])
})

test.each([
  'http://169.254.169.254/latest',
  'http://2852039166',
  'http://[::ffff:169.254.169.254]/',
  'http://metadata.google.internal',
  'http://100.100.100.200/v1',
])('a channel to %s is refused by apply and by channel add', async baseUrl => {
  const channel = { name: 'cloud', provider: 'openai', baseUrl, keys: ['k'], models: ['m'] }
  await expect(
    stage.gateway.apply(JSON.stringify({ apiVersion: 'yumen/v1', channels: [channel] })),
  ).rejects.toThrow(/metadata service/)
  await expect(
    stage.gateway.yumen(
      'channel',
      'add',
      '--name',
      'cloud',
      '--provider',
      'openai',
      '--base-url',
      baseUrl,
      '--key',
      'k',
    ),
  ).rejects.toThrow(/metadata service/)
})
