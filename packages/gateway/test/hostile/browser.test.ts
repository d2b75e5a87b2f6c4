import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, dialects, pathOf } from '../faults/ask.ts'
import { eventually } from '../faults/eventually.ts'
import { type Stage, startStage } from '../faults/load.ts'
import { askRaw, exchange, rawRequest, readAnswer, requestId } from './raw.ts'

let stage: Stage
let url: string
beforeAll(async () => {
  stage = await startStage()
  url = stage.gateway.url
})
afterAll(() => stage.close())

describe.each(dialects)('a web page that speaks %s', dialect => {
  const question = { dialect, model: 'sim', isStreaming: true } as const

  test('may ask, with the headers that its client needs', async () => {
    const asked = { origin: 'https://chat.example', 'access-control-request-method': 'POST' }
    const answer = await preflight(pathOf(question), {
      ...asked,
      'access-control-request-headers': 'authorization,x-api-key',
    })
    expect(answer.status).toBe(204)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': 'authorization,x-api-key',
    })
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    expect(answer.headers['x-request-id']).toMatch(requestId)
  })

  test('may read what it is told: answers, streams and errors', async () => {
    for (const [model, isStreaming] of [
      ['sim', true],
      ['sim', false],
      ['nothing-of-this-name', false],
    ] as const) {
      const headers = { origin: 'https://chat.example' }
      const answer = await ask(url, { dialect, model, isStreaming, headers })
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': '*',
      })
    }
  })
})

test('a client that is no page is told nothing of pages', async () => {
  const { headers } = await ask(url, { dialect: 'chat', model: 'sim', isStreaming: false })
  expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([])
})

/** A 204 has no body, and no length of one. */
async function preflight(path: string, headers: Readonly<Record<string, string>>) {
  return readAnswer(
    await exchange(url, rawRequest(`OPTIONS ${path}`, headers), {
      enough: text => text.includes('\r\n\r\n'),
    }),
  )
}

test.each(['/metrics', '/livez', '/', '/elsewhere'])('no page may read %s', async path => {
  const asked = await askRaw(url, rawRequest(`GET ${path}`, { origin: 'https://chat.example' }))
  expect(asked.headers['access-control-allow-origin']).toBeUndefined()
  const first = await askRaw(url, rawRequest(`OPTIONS ${path}`, { origin: 'https://chat.example' }))
  expect(first.status).toBe(404)
  expect(first.headers['access-control-allow-origin']).toBeUndefined()
})

describe('who asks wrongly is told what is right', () => {
  test.each([
    ['GET /v1/chat/completions', 'POST, OPTIONS'],
    ['PUT /v1/messages', 'POST, OPTIONS'],
    ['POST /v1/models', 'GET, HEAD, OPTIONS'],
    ['DELETE /v1beta/models/x', 'GET, HEAD, OPTIONS'],
  ])('%s: %s', async (line, allow) => {
    const answer = await askRaw(url, rawRequest(line, {}))
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe(allow)
  })

  test.each([
    { says: 'nothing is there', bytes: rawRequest('GET /nothing', {}), status: 404 },
    {
      says: 'an expectation that nobody knows',
      bytes: rawRequest('GET /livez', { expect: 'more' }),
      status: 417,
    },
    { says: 'no HTTP', bytes: 'hello\r\n\r\n', status: 400 },
    {
      says: 'too many headers',
      bytes: rawRequest(
        'GET /livez',
        Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'y'] as const),
      ),
      status: 431,
    },
    { says: 'a probe', bytes: rawRequest('GET /livez', {}), status: 200 },
  ])('$says: $status with an id', async ({ bytes, status }) => {
    const answer = await askRaw(url, bytes)
    expect(answer.status).toBe(status)
    expect(answer.headers['x-request-id']).toMatch(requestId)
  })
})

test('a gateway that is told to stop says so before it closes its port, and serves on meanwhile', async () => {
  const stopping = stage.gateway.stop()
  await eventually(
    async () => (await fetch(`${url}/readyz`)).status,
    status => status === 503,
  )
  expect((await ask(url, { dialect: 'chat', model: 'sim', isStreaming: true })).isWhole).toBe(true)
  expect(await stopping).toBe(0)
})
