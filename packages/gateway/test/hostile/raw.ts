import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { ask, type Dialect, dialects } from '../faults/ask.ts'
import { sleep } from '../faults/eventually.ts'

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Text for the wire: a request line, headers, and a body of any bytes. */
export function rawRequest(
  line: string,
  headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  body: string | Buffer = '',
): Buffer {
  const entries = Array.isArray(headers) ? headers : Object.entries(headers)
  const head = entries.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\nhost: gateway\r\n${head}\r\n`), Buffer.from(body)])
}

export function open(url: string, { localAddress }: { readonly localAddress?: string } = {}): Socket {
  const { hostname: host, port } = new URL(url)
  return connect({ port: Number(port), host, ...(localAddress !== undefined && { localAddress }) }).on(
    'error',
    () => undefined,
  )
}

/** Sends bytes as they are and gives what came until the other side closed, or until `enough` says so. */
export async function exchange(
  url: string,
  bytes: Buffer | string,
  {
    enough = hasWhole,
    withinMs = 5_000,
    ...from
  }: { enough?: (text: string) => boolean; withinMs?: number; readonly localAddress?: string } = {},
): Promise<string> {
  const socket = open(url, from)
  let text = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('data', chunk => {
    text += String(chunk)
    if (enough(text)) resolve()
  })
  socket.on('close', () => resolve())
  socket.write(bytes)
  await Promise.race([promise, sleep(withinMs)])
  socket.destroy()
  return text
}

export async function askRaw(url: string, bytes: Buffer | string, withinMs = 5_000): Promise<RawAnswer> {
  return readAnswer(await exchange(url, bytes, { withinMs }))
}

export function readAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map(each => [
      each.slice(0, each.indexOf(':')).toLowerCase(),
      each.slice(each.indexOf(':') + 1).trim(),
    ]),
  )
  return { status: Number(line.split(' ')[1] ?? 0), head, headers, body: rest.join('\r\n\r\n') }
}

function hasWhole(text: string): boolean {
  const { head, headers, body } = readAnswer(text)
  if (!text.includes('\r\n\r\n') || /^HTTP\/1\.1 1\d\d/.test(head)) return false
  if (headers['transfer-encoding'] === 'chunked') return body.endsWith('0\r\n\r\n')
  return (
    headers['content-length'] !== undefined && Buffer.byteLength(body) >= Number(headers['content-length'])
  )
}

/** Runs `work` while good clients of all dialects go on asking; every one of them must be served, and soon. */
export async function beside<Value>(url: string, work: () => Promise<Value>): Promise<Value> {
  let isOver = false
  let asked = 0
  const failures: string[] = []
  const clients = dialects.map(async (dialect, index) => {
    while (!isOver) {
      const startedAt = performance.now()
      const answer = await ask(url, { dialect, model: 'sim', isStreaming: index % 2 === 0 })
      const ms = Math.round(performance.now() - startedAt)
      asked++
      if (!answer.isWhole || ms > 2_000)
        failures.push(`${dialect} ${answer.status} after ${ms} ms: ${answer.text.slice(0, 200)}`)
      await sleep(5)
    }
  })
  try {
    return await work()
  } finally {
    isOver = true
    await Promise.all(clients)
    expect(failures).toEqual([])
    expect(asked).toBeGreaterThan(0)
  }
}

/** A ULID. */
export const requestId = /^[0-9A-HJKMNP-TV-Z]{26}$/

/** The error shape of each dialect's own service. */
export function expectError(dialect: Dialect, answer: RawAnswer, status: number): void {
  expect({ status: answer.status, body: answer.status === status ? '' : answer.body }).toEqual({
    status,
    body: '',
  })
  expect(answer.headers['x-request-id']).toMatch(requestId)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  const { error, type } = JSON.parse(answer.body)
  expect(error.message).toMatch(/\w+ \w+/)
  if (dialect === 'anthropic') {
    expect(type).toBe('error')
    expect(error.type).toMatch(/^[a-z_]+$/)
  } else if (dialect === 'gemini') {
    expect(error.code).toBe(status)
    expect(error.status).toMatch(/^[A-Z_]+$/)
  } else {
    expect(error.type).toMatch(/^[a-z_]+$/)
    expect(error).toHaveProperty('param')
    expect(error).toHaveProperty('code')
  }
}
