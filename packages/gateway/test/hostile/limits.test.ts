import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, bodyOf, type Dialect, dialects, headersOf, pathOf } from '../faults/ask.ts'
import { eventually, sleep } from '../faults/eventually.ts'
import { type Stage, startStage } from '../faults/load.ts'
import { endUnharmed } from './end-unharmed.ts'
import { askRaw, beside, exchange, expectError, open, rawRequest, requestId } from './raw.ts'

const bodyMb = 24

let stage: Stage
let url: string
beforeAll(async () => {
  stage = await startStage({ env: { MAX_REQUEST_BODY_MB: String(bodyMb) } })
  url = stage.gateway.url
})
afterAll(() => endUnharmed(stage))

const question = (dialect: Dialect) => ({ dialect, model: 'sim', isStreaming: false })

/** A body of this dialect that holds `bytes` bytes of text. */
function bodyOfSize(dialect: Dialect, bytes: number): string {
  const text = 'x'.repeat(bytes)
  const messages = [{ role: 'user', content: text }]
  const members = {
    chat: { messages },
    anthropic: { messages },
    responses: { input: text },
    gemini: { contents: [{ role: 'user', parts: [{ text }] }] },
  }
  return bodyOf({ ...question(dialect), body: members[dialect] })
}

function post(
  dialect: Dialect,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const all = {
    ...headersOf(question(dialect)),
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }
  return rawRequest(`POST ${pathOf(question(dialect))}`, all, body)
}

describe('large bodies', () => {
  test.each(dialects)('%s: 20 MB pass whole', async dialect => {
    const body = bodyOfSize(dialect, 20_000_000)
    const answer = await beside(url, () => askRaw(url, post(dialect, body)))
    expect(answer.status).toBe(200)
    expect(stage.simulator.requests.some(({ bodyBytes }) => bodyBytes === body.length)).toBe(true)
  })

  test.each(dialects)('%s: one that says that it is too large is refused before it comes', async dialect => {
    const head = rawRequest(`POST ${pathOf(question(dialect))}`, {
      ...headersOf(question(dialect)),
      'content-length': String(bodyMb * 1024 * 1024 + 1),
    })
    expectError(dialect, await askRaw(url, head), 413)
  })

  test.each(dialects)('%s: one that grows too large is refused', async dialect => {
    const head = rawRequest(`POST ${pathOf(question(dialect))}`, {
      ...headersOf(question(dialect)),
      'transfer-encoding': 'chunked',
    })
    const piece = Buffer.alloc(1024 * 1024, 'x')
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
    const answer = await beside(url, () =>
      askRaw(url, Buffer.concat([head, ...Array.from({ length: bodyMb + 1 }, () => chunk)])),
    )
    expectError(dialect, answer, 413)
  })

  test.each(dialects)('%s: a bomb of gzip is refused', async dialect => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
    const answer = await beside(url, () => askRaw(url, post(dialect, bomb, { 'content-encoding': 'gzip' })))
    expectError(dialect, answer, 413)
  })

  test('many bombs at once stay within the memory for bodies', { timeout: 60_000 }, async () => {
    const before = await metric('yumen_resident_bytes')
    const bomb = gzipSync(Buffer.alloc((bodyMb - 1) * 1024 * 1024, 'x'))
    let most = 0
    let isOver = false
    const watching = (async () => {
      while (!isOver) {
        most = Math.max(most, await metric('yumen_resident_bytes'))
        await sleep(50)
      }
    })()
    const request = post('chat', bomb, { 'content-encoding': 'gzip' })
    const answers = await Promise.all(Array.from({ length: 70 }, () => askRaw(url, request, 30_000)))
    isOver = true
    await watching
    expect(answers.map(({ status }) => status).filter(status => status !== 400 && status !== 503)).toEqual([])
    expect(answers.some(({ status }) => status === 503)).toBe(true)
    expect(most - before).toBeLessThan(900 * 1024 * 1024)
    expect(
      await eventually(
        () => metric('yumen_bytes_in_flight'),
        bytes => bytes === 0,
      ),
    ).toBe(0)
  })
})

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

interface Hostile {
  readonly says: string
  readonly status: number
  readonly make: (dialect: Dialect) => Buffer
}

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const withMember = (dialect: Dialect, member: string) =>
  `${bodyOf(question(dialect)).slice(0, -1)},${member}}`

const hostile: readonly Hostile[] = [
  {
    says: 'a member nested 10,000 deep',
    status: 400,
    make: dialect => post(dialect, withMember(dialect, `"metadata":${nested(10_000)}`)),
  },
  { says: 'a body nested 10,000 deep', status: 400, make: dialect => post(dialect, nested(10_000)) },
  { says: '10,000 open objects', status: 400, make: dialect => post(dialect, '{"a":'.repeat(10_000)) },
  {
    says: 'bytes that are no UTF-8',
    status: 400,
    make: dialect => post(dialect, Buffer.from(withMember(dialect, '"user":"\xff\xfe"'), 'latin1')),
  },
  {
    says: 'an overlong UTF-8 encoding',
    status: 400,
    make: dialect => post(dialect, Buffer.from(withMember(dialect, '"user":"\xc0\xaf"'), 'latin1')),
  },
  { says: 'no JSON', status: 400, make: dialect => post(dialect, 'hello') },
  {
    says: 'half a JSON object',
    status: 400,
    make: dialect => post(dialect, bodyOf(question(dialect)).slice(0, -5)),
  },
  { says: 'no body', status: 400, make: dialect => post(dialect, '') },
  { says: 'null', status: 400, make: dialect => post(dialect, 'null') },
  {
    says: '5,000 members',
    status: 400,
    make: dialect =>
      post(
        dialect,
        withMember(dialect, Array.from({ length: 5_000 }, (_, index) => `"m${index}":1`).join(',')),
      ),
  },
  {
    says: 'a form',
    status: 400,
    make: dialect => post(dialect, 'model=sim', { 'content-type': 'application/x-www-form-urlencoded' }),
  },
  { says: 'XML', status: 400, make: dialect => post(dialect, '<a/>', { 'content-type': 'text/xml' }) },
  {
    says: 'a content type that begins like JSON',
    status: 400,
    make: dialect => post(dialect, bodyOf(question(dialect)), { 'content-type': 'application/jsonp' }),
  },
  {
    says: 'gzip that is none',
    status: 400,
    make: dialect => post(dialect, bodyOf(question(dialect)), { 'content-encoding': 'gzip' }),
  },
  {
    says: 'gzip that ends too early',
    status: 400,
    make: dialect =>
      post(dialect, gzipSync(bodyOf(question(dialect))).subarray(0, 40), { 'content-encoding': 'gzip' }),
  },
  {
    says: 'an unknown compression',
    status: 400,
    make: dialect => post(dialect, bodyOf(question(dialect)), { 'content-encoding': 'lzma' }),
  },
  {
    says: 'a compression named like a member of all objects',
    status: 400,
    make: dialect => post(dialect, bodyOf(question(dialect)), { 'content-encoding': 'constructor' }),
  },
  {
    says: 'GET',
    status: 405,
    make: dialect => rawRequest(`GET ${postPath(dialect)}`, headersOf(question(dialect))),
  },
  {
    says: 'PUT',
    status: 405,
    make: dialect =>
      rawRequest(
        `PUT ${postPath(dialect)}`,
        { ...headersOf(question(dialect)), 'content-length': '2' },
        '{}',
      ),
  },
  {
    says: 'PATCH',
    status: 405,
    make: dialect => rawRequest(`PATCH ${postPath(dialect)}`, headersOf(question(dialect))),
  },
  {
    says: 'a path that does not exist',
    status: 404,
    make: dialect => rawRequest(`POST ${unknownPath(dialect)}`, headersOf(question(dialect))),
  },
]

const postPath = (dialect: Dialect) => pathOf(question(dialect))
const unknownPath = (dialect: Dialect) =>
  ({
    chat: '/v1/chat/nothing',
    responses: '/v1/responses_nothing',
    anthropic: '/v1/messages/nothing',
    gemini: '/v1beta/models/sim:constructor',
  })[dialect]

describe('what nobody can mean well', () => {
  test.each(hostile)(
    '$says: is refused in the dialect of each client, and disturbs nobody',
    async ({ status, make }) => {
      await beside(url, async () => {
        for (const dialect of dialects) {
          // Google knows an address by its method too: the wrong method is an address that does not exist.
          const expected = status === 405 && dialect === 'gemini' ? 404 : status
          expectError(dialect, await askRaw(url, make(dialect)), expected)
        }
      })
    },
  )

  test.each([
    '__proto__',
    'constructor',
    'toString',
    '__defineGetter__',
    'hasOwnProperty',
    'valueOf',
    '__lookupSetter__',
  ])('a member that is called %s passes like any other', async name => {
    for (const dialect of ['chat', 'responses'] as const) {
      const body = withMember(dialect, `${JSON.stringify(name)}:1`)
      const answer = await askRaw(url, post(dialect, body))
      expect({ name, status: answer.status, warnings: answer.headers['x-yumen-warnings'] }).toEqual({
        name,
        status: 200,
        warnings: undefined,
      })
      expect(stage.simulator.requests.at(-1)?.body).toContain(`${JSON.stringify(name)}:1`)
    }
  })

  test('HEAD has no body', async () => {
    const answer = await askRaw(
      url,
      rawRequest('HEAD /v1/chat/completions', { ...headersOf(question('chat')), connection: 'close' }),
    )
    expect(answer).toMatchObject({ status: 405, body: '' })
    expect(answer.headers['x-request-id']).toMatch(requestId)
  })

  test.each([
    '/',
    '/v1',
    '/v2/chat/completions',
    '/admin',
    '/%00',
    '//v1/chat/completions',
    '/../etc/passwd',
    '/metrics/x',
    '/constructor',
  ])('nothing is at %s', async path => {
    expect((await askRaw(url, rawRequest(`GET ${path}`, {}))).status).toBe(404)
  })
})

describe('heads', () => {
  const large = [
    {
      says: 'one header of 100 KB',
      headers: { 'x-large': 'x'.repeat(100_000) },
      path: '/v1/chat/completions',
    },
    {
      says: '300 headers of 1 KB',
      headers: Object.fromEntries(
        Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'x'.repeat(1_000)]),
      ),
      path: '/v1/chat/completions',
    },
    { says: 'a URL of 100 KB', headers: {}, path: `/v1/chat/completions?${'x'.repeat(100_000)}` },
    {
      says: '1,000 short headers',
      headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x-${index}`, 'x'])),
      path: '/v1/chat/completions',
    },
  ]
  test.each(large)('$says: is refused with 431', async ({ headers, path }) => {
    const answer = await beside(url, () =>
      askRaw(
        url,
        rawRequest(
          `POST ${path}`,
          { ...headers, ...headersOf(question('chat')), 'content-length': '2' },
          '{}',
        ),
      ),
    )
    expectError('chat', answer, 431)
  })

  const broken = [
    { says: 'no HTTP', bytes: 'hello gateway\r\n\r\n' },
    { says: 'TLS', bytes: Buffer.from('160301020001000001fc0303', 'hex') },
    {
      says: 'two different content-lengths',
      bytes: rawRequest(
        'POST /v1/chat/completions',
        [
          ['content-length', '5'],
          ['content-length', '6'],
        ],
        'helloo',
      ),
    },
    {
      says: 'content-length and chunked',
      bytes: rawRequest(
        'POST /v1/chat/completions',
        { 'content-length': '5', 'transfer-encoding': 'chunked' },
        '0\r\n\r\n',
      ),
    },
    {
      says: 'a negative content-length',
      bytes: rawRequest('POST /v1/chat/completions', { 'content-length': '-1' }),
    },
    {
      says: 'a line feed within a header',
      bytes: 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx: a\nb c\r\n\r\n',
    },
    {
      says: 'a zero byte within a header',
      bytes: 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n',
    },
    { says: 'no host', bytes: 'POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 0\r\n\r\n' },
    {
      says: 'a chunk size that is none',
      bytes: rawRequest(
        'POST /v1/chat/completions',
        { ...headersOf(question('chat')), 'transfer-encoding': 'chunked' },
        'zz\r\n\r\n',
      ),
    },
  ]
  test.each(broken)('$says: is refused with 400, and the connection closed', async ({ bytes }) => {
    const text = await beside(url, () => exchange(url, bytes, { enough: () => false }))
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('slow and unfinished clients', () => {
  test('200 half-open connections leave the others alone', { timeout: 30_000 }, async () => {
    // What they announce is more than all bodies together may be, to the last byte.
    const sizes = [
      ...Array.from({ length: 40 }, () => bodyMb * 1024),
      ...Array.from({ length: 60 }, () => 1024),
    ]
    const half = (kib: number) =>
      rawRequest(
        'POST /v1/chat/completions',
        { ...headersOf(question('chat')), 'content-length': String(kib * 1024) },
        '{"model":"sim"',
      )
    const sockets = Array.from({ length: 200 }, (_, index) => {
      const socket = open(url)
      socket.write(
        index < 100 ? half(sizes[index] ?? 1) : 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-slow: ',
      )
      return socket
    })
    await beside(url, async () => {
      for (let second = 0; second < 8; second++) {
        await sleep(250)
        for (const socket of sockets) socket.write('x')
      }
    })
    for (const socket of sockets) socket.destroy()
    expect(
      await eventually(
        () => metric('yumen_bytes_in_flight'),
        bytes => bytes === 0,
      ),
    ).toBe(0)
  })

  test('a chunked body without an end holds nothing but its own connection', async () => {
    const socket = open(url)
    socket.write(
      rawRequest('POST /v1/chat/completions', {
        ...headersOf(question('chat')),
        'transfer-encoding': 'chunked',
      }),
    )
    await beside(url, async () => {
      for (let count = 0; count < 20; count++) {
        socket.write('1\r\nx\r\n')
        await sleep(25)
      }
    })
    socket.destroy()
    expect(
      await eventually(
        () => metric('yumen_bytes_in_flight'),
        bytes => bytes === 0,
      ),
    ).toBe(0)
  })

  test('pipelined requests are answered in their order', async () => {
    const models = ['sim-delay200', 'sim', 'nothing']
    const bytes = Buffer.concat(
      models.map(model => {
        const body = bodyOf({ ...question('chat'), model })
        return rawRequest(
          'POST /v1/chat/completions',
          { ...headersOf(question('chat')), 'content-length': String(body.length) },
          body,
        )
      }),
    )
    const text = await exchange(url, bytes, {
      enough: sofar => (sofar.match(/HTTP\/1\.1 /g) ?? []).length === 3 && sofar.endsWith('}}'),
    })
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1])).toEqual(['404', '200', '404'])
  })

  test('who expects 100-continue is told so, and a large body is refused without it', async () => {
    const body = bodyOf(question('chat'))
    const small = await exchange(url, post('chat', body, { expect: '100-continue' }), {
      enough: text => text.includes('"usage"'),
    })
    expect(small).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    expect(
      await exchange(
        url,
        rawRequest('POST /v1/chat/completions', {
          ...headersOf(question('chat')),
          expect: 'nonsense',
          'content-length': '2',
        }),
      ),
    ).toMatch(/^HTTP\/1\.1 417/)
  })
})

test('a flood of unknown keys is refused, key by key, and disturbs nobody', async () => {
  await beside(url, async () => {
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        ask(url, {
          ...question(dialects[index % 4] ?? 'chat'),
          key: `sk-${String(index).padStart(48, '0')}`,
        }),
      ),
    )
    // Anthropic's word for 503 is 529.
    expect(answers.map(({ status }) => status).filter(status => ![401, 503, 529].includes(status))).toEqual(
      [],
    )
    expect(answers.some(({ status }) => status === 401)).toBe(true)
    expect(answers.every(({ id }) => requestId.test(id))).toBe(true)
  })
})
