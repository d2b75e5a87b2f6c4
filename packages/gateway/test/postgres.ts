import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the cluster of this run, without a database. */
    postgresAddress: string | undefined
  }
}

/**
 * For `globalSetup` of vitest: one cluster for the whole run. Without it each test file starts its own, in
 * half a second.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres()
  project.provide('postgresAddress', server?.address)
  return async () => server?.stop()
}

/** Whether this machine has PostgreSQL's programs. */
export const hasPostgres = () => findBinaries() !== undefined

/** A fresh, empty database on a running cluster; answers its DSN. */
export async function createDatabase(address: string): Promise<string> {
  const name = `yumen_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const client = new pg.Client(`${address}/postgres`)
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  return `${address}/${name}`
}

/**
 * A real PostgreSQL for tests: its own cluster in a temporary folder, loopback only, gone when it is stopped.
 */
export interface TestPostgres {
  /** `postgres://yumen@127.0.0.1:PORT` */
  readonly address: string
  stop(): Promise<void>
}

/** Undefined when this machine has no PostgreSQL. Takes about two seconds. */
export async function startPostgres(): Promise<TestPostgres | undefined> {
  const bin = findBinaries()
  if (bin === undefined) return undefined
  const user = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'yumen-postgres-'))
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  initialise({ bin, data, user })
  const port = await freePort()
  const server = launch({ bin, data, folder, port, user })
  const killed = () => server.kill('SIGQUIT')
  process.once('exit', killed)
  const address = `postgres://yumen@127.0.0.1:${port}`
  await untilReady(`${address}/postgres`, server)
  return {
    address,
    async stop() {
      process.off('exit', killed)
      const ended = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface User {
  readonly uid: number
  readonly gid: number
}

function findBinaries(): string | undefined {
  const versions = '/usr/lib/postgresql'
  const packaged = existsSync(versions)
    ? readdirSync(versions).map(version => join(versions, version, 'bin'))
    : []
  const inPath = spawnSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' }).stdout.trim()
  const folders = [inPath.replace(/\/initdb$/, ''), '/usr/local/bin', ...packaged.sort().reverse()]
  return folders.find(
    folder => folder !== '' && existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const uid = Number(spawnSync('id', ['-u', name], { encoding: 'utf8' }).stdout)
    const gid = Number(spawnSync('id', ['-g', name], { encoding: 'utf8' }).stdout)
    if (uid > 0) return { uid, gid }
  }
  return undefined
}

function initialise({ bin, data, user }: { bin: string; data: string; user: User | undefined }): void {
  const args = ['-D', data, '-U', 'yumen', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const made = spawnSync(join(bin, 'initdb'), args, { ...user, cwd: tmpdir(), encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
}

function launch(parts: {
  bin: string
  data: string
  folder: string
  port: number
  user: User | undefined
}): ChildProcess {
  const { bin, data, folder, port, user } = parts
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '16MB',
    max_connections: 60,
    autovacuum: 'off',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(join(bin, 'postgres'), ['-D', data, ...args], { ...user, cwd: tmpdir(), stdio: 'ignore' })
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise(resolve => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const readyWithinMs = 20_000

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const until = performance.now() + readyWithinMs
  for (;;) {
    const client = new pg.Client(url)
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (server.exitCode !== null || performance.now() > until) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}
