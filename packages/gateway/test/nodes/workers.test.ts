import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask, dialects, startAsking, wordsOf } from '../faults/ask.ts'
import { readBooks } from '../faults/books.ts'
import { eventually, sleep } from '../faults/eventually.ts'
import { expectExactBooks } from '../faults/killing.ts'
import { createSeeded, type Stage, seed, startLoad, startStage } from '../faults/load.ts'
import { isAlive, metricOf, readMetrics, untilGone, workersOf } from './workers.ts'

const binary = new URL('../../../../bin/yumen', import.meta.url).pathname
const long = 'sim-tokens60-gap20'
const endless = 'sim-fault-endless-stream-5'

let stage: Stage
beforeEach(async () => {
  stage = await startStage({
    models: [
      'sim',
      'sim-tokens50-gap1',
      'sim-tokens300',
      'sim-unicode',
      'sim-tokens80-gap3-bytes64',
      long,
      endless,
    ],
    env: { YUMEN_LOG_LEVEL: 'info', YUMEN_WORKERS: '2' },
  })
})
afterEach(() => stage.close())

const workerPids = () => workersOf(stage.gateway.pid())
const untilBack = (number: number, before: number) =>
  eventually(
    async () => {
      const pid = workerPids().get(number)
      const isBack = stage.gateway.output().includes(`"pid":${pid},"msg":"a worker is back"`)
      return pid !== undefined && pid !== before && isBack ? pid : undefined
    },
    undefined,
    10_000,
  )

describe('two workers on one port', () => {
  test('have equally many connections, say once that they are ready, and tell one sum of metrics', async () => {
    const { gateway } = stage
    const agents = Array.from({ length: 64 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    const question = { dialect: 'chat', model: 'sim', isStreaming: false } as const
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(agents.map(agent => ask(gateway.url, { ...question, agent })))
      expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
    }
    const metrics = await readMetrics(gateway.url)
    for (const agent of agents) agent.destroy()
    expect(metricOf(metrics, 'yumen_worker_requests_total{worker="1"}')).toBe(128)
    expect(metricOf(metrics, 'yumen_worker_requests_total{worker="2"}')).toBe(128)
    expect(metrics).toMatch(
      /^yumen_requests_total\{dialect="openai-chat",operation="chat",class="ok"\} 256$/m,
    )
    expect(metrics).toMatch(/^yumen_request_seconds_count 256$/m)
    expect(metrics).toMatch(/^yumen_resident_bytes\{worker="1"\} \d{8,}$/m)
    expect(metrics).toMatch(/^yumen_resident_bytes\{worker="2"\} \d{8,}$/m)
    expect(metrics.match(/^yumen_open_streams /gm)).toHaveLength(1)
    await gateway.untilPrinted(/"worker":2.*"msg":"worker is ready"/)
    await gateway.untilPrinted('"msg":"ready"')
    expect(gateway.output().match(/"msg":"ready"/g)).toHaveLength(1)
    expect(readBooks(gateway.dataDir).nodes).toBe(2)
    expect(await gateway.stop()).toBe(0)
    const books = readBooks(gateway.dataDir)
    expect(books.charges.size).toBe(256)
    expect(books.nodes).toBe(0)
  })

  test('a connection that goes makes room: the next ones go where the fewest are', async () => {
    const { gateway } = stage
    const url = new URL(gateway.url)
    const open = () => connect({ port: Number(url.port), host: url.hostname }).on('error', () => undefined)
    const idle = Array.from({ length: 16 }, open)
    await Promise.all(idle.map(socket => once(socket, 'connect')))
    const fewest = async () => {
      const metrics = await readMetrics(gateway.url)
      return Math.min(
        ...[1, 2].map(number => metricOf(metrics, `yumen_worker_connections{worker="${number}"}`)),
      )
    }
    await eventually(fewest, count => count === 8)
    for (const [index, socket] of idle.entries()) if (index % 2 === 0) socket.destroy() // all of one worker
    await eventually(fewest, count => (count ?? 8) <= 1) // the connection of the metrics may be there
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    const question = { dialect: 'chat', model: 'sim', isStreaming: false } as const
    await Promise.all(agents.map(agent => ask(gateway.url, { ...question, agent })))
    const metrics = await readMetrics(gateway.url)
    for (const socket of [...idle, ...agents]) socket.destroy()
    const counts = [1, 2].map(number => metricOf(metrics, `yumen_worker_requests_total{worker="${number}"}`))
    expect(counts.sort()).toEqual([0, 4])
  })

  test('one that hangs does not keep the metrics of the other from being told', async () => {
    const { gateway } = stage
    await Promise.all(
      [1, 2, 3, 4].map(() => ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: true })),
    )
    await eventually(
      () => readMetrics(gateway.url),
      text => metricOf(text ?? '', 'yumen_requests_total') === 4,
    )
    const hung = workerPids().get(1) ?? 0
    process.kill(hung, 'SIGSTOP')
    try {
      // Every other connection goes to the one that hangs.
      const text = await Promise.any([readMetrics(gateway.url), readMetrics(gateway.url)])
      expect(text).toContain('yumen_worker_up{worker="1"} 0\nyumen_worker_up{worker="2"} 1\n')
      expect(metricOf(text, 'yumen_requests_total')).toBe(4)
    } finally {
      process.kill(hung, 'SIGCONT')
    }
  })
})

describe('a worker that dies', () => {
  test('is started again; the other goes on, nothing is lost or doubled, and no sum goes down', async () => {
    const { gateway } = stage
    const load = startLoad(gateway.url, { random: createSeeded(seed) })
    await eventually(() => (load.answers.length > 60 ? true : undefined), undefined, 10_000)
    await readMetrics(gateway.url)
    const before = metricOf(await readMetrics(gateway.url), 'yumen_requests_total')
    const dead = workerPids().get(1) ?? 0
    const other = workerPids().get(2)
    process.kill(dead, 'SIGKILL')
    const back = await untilBack(1, dead)
    const answers = await load.stop()
    const text = await readMetrics(gateway.url)
    expect(metricOf(text, 'yumen_requests_total')).toBeGreaterThanOrEqual(before)
    expect(metricOf(text, 'yumen_worker_restarts_total')).toBe(1)
    expect(workerPids()).toEqual(
      new Map([
        [1, back],
        [2, other],
      ]),
    )
    // Twelve clients, half of them on it at most, and each stops at its first failure.
    expect(answers.filter(({ isWhole }) => !isWhole).length).toBeLessThanOrEqual(7)
    expect(await gateway.stop()).toBe(0)
    const books = readBooks(gateway.dataDir)
    expectExactBooks(books, answers)
    expect(books.nodes).toBe(0)
  })

  test('again and again at once ends the gateway with a clear word', { timeout: 60_000 }, async () => {
    const { gateway } = stage
    const parent = gateway.pid()
    const killed = new Set<number>()
    await eventually(
      () => {
        const pid = workersOf(parent).get(2)
        if (pid !== undefined && !killed.has(pid)) {
          killed.add(pid)
          process.kill(pid, 'SIGKILL')
        }
        return isAlive(parent) ? undefined : true
      },
      undefined,
      40_000,
    )
    expect(killed.size).toBe(5)
    await gateway.untilPrinted('"worker":2,"ends":5,"msg":"a worker dies at once again and again')
    await gateway.untilPrinted('"isInOrder":true,"msg":"all workers stopped"')
    expect(await gateway.stop()).toBe(1)
  })
})

describe('signals to the parent', () => {
  test('SIGHUP replaces every worker and no request fails', { timeout: 60_000 }, async () => {
    const { gateway } = stage
    const before = [...workerPids().values()]
    const load = startLoad(gateway.url, { random: createSeeded(seed), clients: 12 })
    const streams = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: long, isStreaming: true }),
    )
    const idle = new Agent({ keepAlive: true })
    const question = { dialect: 'chat', model: 'sim', isStreaming: false, agent: idle } as const
    expect((await ask(gateway.url, question)).status).toBe(200)
    process.kill(gateway.pid(), 'SIGHUP')
    // As long as a request may take: ten minutes to send it, thirty for its answer, and five seconds at rest.
    await gateway.untilPrinted('"ms":2405000,"msg":"retiring"')
    expect((await ask(gateway.url, question)).status).toBe(200)
    await eventually(
      () => (gateway.output().includes('rolling restart is over') ? true : undefined),
      undefined,
      40_000,
    )
    const seen = load.answers.length
    await eventually(() => (load.answers.length > seen + 20 ? true : undefined), undefined, 10_000)
    const answers = [...(await load.stop()), ...(await Promise.all(streams.map(({ answer }) => answer)))]
    idle.destroy()
    expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
    expect(before.filter(isAlive)).toEqual([])
    expect([...workerPids().keys()].sort()).toEqual([1, 2])
    expect(gateway.output()).not.toMatch(/"level":[56]0/)
    expect(await gateway.stop()).toBe(0)
    expectExactBooks(
      readBooks(gateway.dataDir),
      answers.filter(({ question: { model } }) => model !== long),
    )
  })

  test('a rolling restart whose new worker cannot start leaves the old ones in their places', async () => {
    const { gateway } = stage
    const before = workerPids()
    const database = new DatabaseSync(join(gateway.dataDir, 'yumen.db'), { timeout: 5_000 })
    database.exec("INSERT INTO schema_migrations VALUES (9999, 'later', 1)")
    database.close()
    process.kill(gateway.pid(), 'SIGHUP')
    await gateway.untilPrinted('rolling restart is over')
    await gateway.untilPrinted('"worker":1,"msg":"the rolling restart ends here')
    expect(workerPids()).toEqual(before)
    const answers = await Promise.all(
      [1, 2].map(() => ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await gateway.stop()).toBe(0)
  })

  test('SIGTERM lets the streams of all workers end; one that a worker gets as well changes nothing', async () => {
    const { gateway } = stage
    const streams = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: long, isStreaming: true }),
    )
    for (const [index, dialect] of dialects.entries())
      await eventually(
        () => streams[index]?.text(),
        text => wordsOf(dialect, text ?? '').length > 10,
      )
    const workers = [...workerPids().values()]
    for (const pid of workers) process.kill(pid, 'SIGTERM')
    const stopping = gateway.stop()
    await sleep(100)
    for (const pid of workers) process.kill(pid, 'SIGINT')
    const answers = await Promise.all(streams.map(({ answer }) => answer))
    expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
    expect(await stopping).toBe(0)
    expect(workers.filter(isAlive)).toEqual([])
    expect(readBooks(gateway.dataDir)).toMatchObject({ nodes: 0, doubles: 0 })
  })

  test('a second signal ends all at once', async () => {
    const { gateway } = stage
    const asked = startAsking(gateway.url, { dialect: 'chat', model: endless, isStreaming: true })
    await eventually(asked.text, text => wordsOf('chat', text ?? '').length > 10)
    const [parent, workers] = [gateway.pid(), [...workerPids().values()]]
    const stopping = gateway.stop()
    await gateway.untilPrinted('"stopping"')
    const startedAt = performance.now()
    process.kill(parent, 'SIGTERM')
    expect(await stopping).toBe(1)
    await untilGone(workers, 1_000)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
  })

  test('workers whose parent was killed end in good order, and free the port', async () => {
    const { gateway } = stage
    const streams = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: long, isStreaming: true }),
    )
    for (const [index, dialect] of dialects.entries())
      await eventually(
        () => streams[index]?.text(),
        text => wordsOf(dialect, text ?? '').length > 10,
      )
    const workers = [...workerPids().values()]
    await gateway.kill()
    const answers = await Promise.all(streams.map(({ answer }) => answer))
    expect(answers.filter(({ isWhole }) => !isWhole)).toEqual([])
    await untilGone(workers, 5_000)
    expect(readBooks(gateway.dataDir).nodes).toBe(0)
    await gateway.restart()
    expect((await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })).status).toBe(200)
  })
})

test('SIGHUP stops a gateway without workers in good order, however often it comes', async () => {
  const { gateway } = stage
  await gateway.stop()
  await gateway.restart({ YUMEN_WORKERS: '1' })
  const asked = startAsking(gateway.url, { dialect: 'chat', model: long, isStreaming: true })
  await eventually(asked.text, text => wordsOf('chat', text ?? '').length > 10)
  const pid = gateway.pid()
  process.kill(pid, 'SIGHUP')
  await gateway.untilPrinted('SIGHUP stops a gateway of one process')
  process.kill(pid, 'SIGHUP')
  expect((await asked.answer).isWhole).toBe(true)
  await untilGone([pid], 20_000)
  expect(await gateway.stop()).toBe(0)
  expect(readBooks(gateway.dataDir)).toMatchObject({ nodes: 0, doubles: 0 })
})

test('workers whose port is taken are told of once, and the exit status is 1', async () => {
  const { gateway } = stage
  const taken = Number(new URL(gateway.url).port)
  const dataDir = mkdtempSync(join(tmpdir(), 'yumen-test-'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    YUMEN_DATA_DIR: dataDir,
    YUMEN_HOST: '127.0.0.1',
  }
  try {
    const failure = await promisify(execFile)(binary, ['serve', '--workers', '2', '--port', String(taken)], {
      env,
      timeout: 20_000,
    }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 1 })
    const stderr = failure instanceof Error && 'stderr' in failure ? String(failure.stderr) : ''
    expect(stderr.match(/is taken by another process/g)).toHaveLength(1)
    expect(stderr).not.toMatch(/\n\s+at /)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})
