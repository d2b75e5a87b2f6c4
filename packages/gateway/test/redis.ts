import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './gateway.ts'

/** Whether this machine has Redis. */
export const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0

/** A real Redis for tests: its own process on a free port in a temporary folder, loopback only. */
export interface TestRedis {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
  /** SIGKILL: connections break, what was stored is gone. */
  kill(): Promise<void>
  /** Starts an empty one on the same port. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay, nothing answers. */
  pause(): void
  resume(): void
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

export async function startRedis(): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'yumen-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  let server = await launch()
  const orphaned = () => server.kill('SIGKILL')
  process.once('exit', orphaned)

  async function launch(): Promise<ChildProcess> {
    const started = spawn('redis-server', args, { stdio: 'ignore' })
    await untilReady(url)
    return started
  }

  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise(resolve => server.once('exit', resolve))
    server.kill('SIGKILL')
    await ended
  }

  return {
    url,
    kill,
    async restart() {
      server = await launch()
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async stop() {
      process.off('exit', orphaned)
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const readyWithinMs = 10_000

async function untilReady(url: string): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null, connectTimeout: 1_000 })
  redis.on('error', () => undefined) // it is not there yet
  const late = setTimeout(() => redis.disconnect(), readyWithinMs)
  try {
    await redis.ping()
  } finally {
    clearTimeout(late)
    redis.disconnect()
  }
}
