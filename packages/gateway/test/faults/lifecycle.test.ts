import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../gateway.ts'
import { open, rawRequest } from '../hostile/raw.ts'
import { ask, type Dialect, dialects, startAsking, wordsOf } from './ask.ts'
import { findRecord, readBooks } from './books.ts'
import { eventually, sleep } from './eventually.ts'
import { findProcess } from './gateway-process.ts'
import { type Stage, startStage } from './load.ts'

const binary = new URL('../../../../bin/yumen', import.meta.url).pathname
const long = 'sim-tokens150-gap20'
const endless = 'sim-fault-endless-stream-5'

let stage: Stage
beforeEach(async () => {
  stage = await startStage({
    models: ['sim', long, endless, 'sim-delay400'],
    env: { YUMEN_LOG_LEVEL: 'info' },
  })
})
afterEach(() => stage.close())

const isRunning = (dialect: Dialect) => (text: string | undefined) => wordsOf(dialect, text ?? '').length > 10

describe('SIGTERM', () => {
  test('lets streams and answers end, refuses what comes anew, and exits with 0', async () => {
    const { gateway } = stage
    const streams = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: long, isStreaming: true }),
    )
    const whole = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: 'sim-delay400', isStreaming: false }),
    )
    for (const [index, dialect] of dialects.entries())
      await eventually(() => streams[index]?.text(), isRunning(dialect))
    const stopping = gateway.stop()
    await gateway.untilPrinted('"draining"')
    const late = await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })
    expect(late.isWhole).toBe(false)
    const answers = await Promise.all([...streams, ...whole].map(({ answer }) => answer))
    expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
    expect(await stopping).toBe(0)
    const books = readBooks(gateway.dataDir)
    for (const { id } of answers) expect(books.requests.get(id)?.class).toBe('ok')
    expect(books.charges.size).toBe(answers.length)
    expect(books.nodes).toBe(0)
    expect(readdirSync(join(gateway.dataDir, 'journal'))).toEqual([])
  })

  test('an open connection learns that the gateway is not ready, and a new request on it is refused', async () => {
    const { gateway } = stage
    const body = JSON.stringify({ model: long, messages: [{ role: 'user', content: 'Hi' }], stream: true })
    const stream = rawRequest(
      'POST /v1/chat/completions',
      {
        'content-type': 'application/json',
        authorization: 'Bearer sk-0123456789abcdef0123456789abcdef0123456789abcdef',
        'content-length': String(body.length),
      },
      body,
    )
    const socket = open(gateway.url)
    let text = ''
    socket.on('data', chunk => {
      text += String(chunk)
    })
    socket.write(stream)
    await eventually(
      () => text,
      sofar => sofar?.includes('"content"') === true,
    )
    const stopping = gateway.stop()
    await gateway.untilPrinted('"draining"')
    // Behind the stream on the same connection: looked at as soon as it comes, answered in its turn.
    socket.write(Buffer.concat([rawRequest('GET /readyz', {}), stream]))
    expect(await stopping).toBe(0)
    expect(text).toContain('data: [DONE]')
    const behind = text.slice(text.indexOf('data: [DONE]'))
    expect([...behind.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1])).toEqual(['503', '503'])
    expect(behind).toContain('\r\n\r\nnot ready\n')
  })

  test('a second signal ends it at once, and the next start settles what was cut', async () => {
    const { gateway } = stage
    const asked = startAsking(gateway.url, { dialect: 'anthropic', model: endless, isStreaming: true })
    await eventually(asked.text, isRunning('anthropic'))
    await sleep(1_400) // its progress is in the journal by then
    const stopping = gateway.stop()
    await gateway.untilPrinted('"stopping"')
    const startedAt = performance.now()
    process.kill(findProcess(gateway.dataDir), 'SIGTERM') // the harness sends one signal only
    expect(await stopping).toBe(1)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    const answer = await asked.answer
    await gateway.restart()
    expect(await findRecord(gateway.dataDir, answer.id)).toMatchObject({ class: 'crash', source: 'counted' })
  })
})

describe('a running gateway', () => {
  test('follows a change within a second: a key, a channel, a file', async () => {
    const { gateway } = stage
    const status = async () =>
      (await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })).status
    expect(await status()).toBe(200)
    const keys = await gateway.yumenJson('key', 'list')
    const id = /"id": ?(\d+)/.exec(JSON.stringify(keys))?.[1] ?? ''
    await gateway.yumen('key', 'disable', id)
    await eventually(status, found => found === 401, 1_000)
    await gateway.yumen('key', 'enable', id)
    await eventually(status, found => found === 200, 1_000)
    await gateway.yumen('channel', 'disable', 'openai')
    // The other channels list the model too, and do not speak this dialect.
    await eventually(status, found => found === 400, 1_000)
    await gateway.yumen('channel', 'enable', 'openai')
    await eventually(status, found => found === 200, 1_000)
    const added = `apiVersion: yumen/v1
channels: [{ name: added, provider: openai, baseUrl: "${stage.simulator.url}", keys: [key], models: [added], modelMapping: { added: sim } }]`
    await gateway.apply(added)
    const askAdded = async () =>
      (await ask(gateway.url, { dialect: 'chat', model: 'added', isStreaming: false })).status
    await eventually(askAdded, found => found === 200, 1_000)
  })

  test('has the metrics that others watch', async () => {
    const { gateway } = stage
    for (const dialect of dialects) await ask(gateway.url, { dialect, model: 'sim', isStreaming: true })
    await ask(gateway.url, { dialect: 'chat', model: 'nothing', isStreaming: true })
    const response = await fetch(`${gateway.url}/metrics`)
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    for (const name of [
      'yumen_requests_total',
      'yumen_attempts_total',
      'yumen_shed_total',
      'yumen_open_streams',
      'yumen_bytes_in_flight',
      'yumen_first_byte_seconds',
      'yumen_request_seconds',
      'yumen_loop_delay_seconds',
      'yumen_journal_bytes',
    ])
      expect(text).toContain(`# TYPE ${name} `)
    expect(text).toMatch(/^yumen_requests_total\{dialect="anthropic",operation="chat",class="ok"\} 1$/m)
    expect(text).toMatch(
      /^yumen_requests_total\{dialect="openai-chat",operation="chat",class="model_not_found"\} 1$/m,
    )
    expect(text).toMatch(/^yumen_attempts_total\{class="ok"\} 4$/m)
    expect(text).toMatch(/^yumen_loop_delay_seconds\{quantile="0.99"\} \S+$/m)
    expect(text).not.toMatch(/sim|alice|upstream-key/)
  })
})

describe('a gateway that cannot start', () => {
  test('says that the port is taken, and exits with 1', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'yumen-test-'))
    const server = createServer()
    const port = await freePort()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    try {
      const { status, output } = await serve({ YUMEN_DATA_DIR: dataDir, PORT: String(port) })
      expect({ status, output }).toMatchObject({ status: 1 })
      expect(output).toMatch(new RegExp(`${port}`))
      expect(output).toMatch(/in use|taken/i)
      expect(output).not.toMatch(/\n\s+at /)
    } finally {
      server.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  test('and is told to stop ends at once, though its database never answers', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'yumen-test-'))
    const asked = Promise.withResolvers<void>()
    const database = createTcpServer(() => asked.resolve())
    const port = await freePort()
    await new Promise<void>(resolve => database.listen(port, '127.0.0.1', resolve))
    const env = { YUMEN_DATA_DIR: dataDir, PORT: String(await freePort()), YUMEN_HOST: '127.0.0.1' }
    const child = spawn(binary, ['serve'], {
      env: { ...process.env, ...env, SQL_DSN: `postgres://u:p@127.0.0.1:${port}/db` },
      stdio: 'ignore',
    })
    try {
      await asked.promise
      const toldAt = performance.now()
      const status = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      expect(await status).toBe(0)
      expect(performance.now() - toldAt).toBeLessThan(3_000)
    } finally {
      child.kill('SIGKILL')
      database.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})

function serve(env: Readonly<Record<string, string>>): Promise<{ status: number | null; output: string }> {
  return new Promise(resolve => {
    const all = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      YUMEN_HOST: '127.0.0.1',
      ...env,
    }
    const child = execFile(binary, ['serve'], { env: all, timeout: 15_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, output: `${stdout}${stderr}` }),
    )
  })
}

test('while the database is locked requests go on, and their records come later', async () => {
  const { gateway } = stage
  await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })
  const database = new DatabaseSync(join(gateway.dataDir, 'yumen.db'), { timeout: 5_000 })
  database.exec('BEGIN IMMEDIATE')
  const answers = []
  for (let count = 0; count < 40; count++) {
    const dialect = dialects[count % 4] ?? 'chat'
    answers.push(await ask(gateway.url, { dialect, model: 'sim', isStreaming: count % 2 === 0 }))
    await sleep(50)
  }
  expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
  expect(answers.filter(({ id }) => readBooks(gateway.dataDir).requests.has(id))).toEqual([])
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
  database.exec('ROLLBACK')
  database.close()
  for (const { id } of answers)
    expect(await findRecord(gateway.dataDir, id)).toMatchObject({ class: 'ok', amount: 110_000n })
})
