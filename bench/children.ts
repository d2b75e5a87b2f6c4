import { type ChildProcess, fork, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { monotonicUs, sleep } from './clock.ts'

const stopTimeoutMs = 20_000
const readyPollMs = 4
const logTailBytes = 2000

export interface Child {
  readonly pid: number
  /** Resolves with how long the process took to answer `GET path` with 200, from its spawning. */
  ready(port: number, path: string, timeoutMs: number): Promise<number>
  /** SIGTERM, and SIGKILL to its process group when that does not end it in time. */
  stop(): Promise<void>
}

interface ChildCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
}

export interface Children {
  start(command: ChildCommand): Child
  /** A Node process of ours that is spoken to over IPC. */
  fork(file: string): ChildProcess
  /** At once and synchronously, for the end of the bench itself. */
  killAll(): void
}

/** Starts processes, each the leader of a process group of its own, and knows which of them still live. */
export function createChildren(root: string): Children {
  const living = new Map<number, ChildProcess>()

  const adopt = (child: ChildProcess): number => {
    const { pid } = child
    if (pid === undefined) throw new Error('a process could not be started')
    living.set(pid, child)
    child.on('exit', () => living.delete(pid))
    return pid
  }

  return {
    start({ command, args, env, logFile }) {
      const startUs = monotonicUs()
      const log = openSync(logFile, 'a')
      const child = spawn(command, args, {
        cwd: root,
        env: inheritedEnv(env),
        detached: true,
        stdio: ['ignore', log, log],
      })
      closeSync(log)
      child.on('error', error => process.stderr.write(`bench: ${command}: ${error.message}\n`))
      const pid = adopt(child)
      return {
        pid,
        ready: async (port, path, timeoutMs) => {
          await waitUntilReady({ child, url: `http://127.0.0.1:${port}${path}`, timeoutMs, logFile })
          return (monotonicUs() - startUs) / 1000
        },
        stop: () => stopChild(child, pid),
      }
    },
    fork(file) {
      const child = fork(file, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      adopt(child)
      return child
    },
    killAll() {
      for (const pid of living.keys()) killGroup(pid)
      living.clear()
    },
  }
}

/** A port that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** The environment of the bench with additions; the only place that reads it. */
export function inheritedEnv(additions: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...additions }
}

interface ReadyWait {
  readonly child: ChildProcess
  readonly url: string
  readonly timeoutMs: number
  readonly logFile: string
}

async function waitUntilReady({ child, url, timeoutMs, logFile }: ReadyWait): Promise<void> {
  const endUs = monotonicUs() + timeoutMs * 1000
  while (monotonicUs() < endUs) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(
        `the process ended before it was ready (${child.exitCode ?? child.signalCode}):\n${tail(logFile)}`,
      )
    }
    if (await answersOk(url)) return
    await sleep(readyPollMs)
  }
  throw new Error(`${url} did not answer 200 within ${timeoutMs} ms:\n${tail(logFile)}`)
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false // not listening yet: the caller asks again until its deadline
  }
}

async function stopChild(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => {
    process.stderr.write(`bench: process ${pid} did not end on SIGTERM within ${stopTimeoutMs} ms\n`)
    killGroup(pid)
  }, stopTimeoutMs)
  await exited
  clearTimeout(timer)
  killGroup(pid) // whatever it left behind
}

/** Signals a group that we lead ourselves; it may be empty by now. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!isGone) throw error
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-logTailBytes)
}
