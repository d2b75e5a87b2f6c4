import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../faults/eventually.ts'
import { freePort } from '../gateway.ts'
import { isAlive, workersOf } from './workers.ts'

const program = new URL('./small-gateway.ts', import.meta.url).pathname

/** The real parent with two small workers: see `small-gateway.ts`. */
export interface SmallStage {
  readonly pid: number
  /** Makes a file that tells the workers what to do. */
  tell(word: string): void
  untell(word: string): void
  start(limits?: object): Promise<void>
  output(): string
  untilPrinted(words: string | RegExp): Promise<void>
  /** Opens a connection and asks on it. */
  ask(): Asked
  close(): Promise<void>
}

export interface Asked {
  readonly socket: Socket
  /** The answer as text; what came until the connection ended when that is another one. Never fails. */
  readonly answer: Promise<string>
  askAgain(): Promise<string>
}

const request = 'GET / HTTP/1.1\r\nhost: small\r\n\r\n'

export async function createSmallStage(): Promise<SmallStage> {
  const folder = mkdtempSync(join(tmpdir(), 'yumen-small-'))
  const port = await freePort()
  let printed = ''
  let child: ChildProcess | undefined

  return {
    get pid() {
      if (child?.pid === undefined) throw new Error('the small gateway is not running')
      return child.pid
    },
    tell: word => writeFileSync(join(folder, word), ''),
    untell: word => rmSync(join(folder, word)),
    async start(limits = {}) {
      child = spawn(process.execPath, [program, folder, String(port), JSON.stringify(limits)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child.stdout?.on('data', chunk => {
        printed += String(chunk)
      })
      await once(child, 'spawn')
    },
    output: () => printed,
    async untilPrinted(words) {
      const isThere = () => (typeof words === 'string' ? printed.includes(words) : words.test(printed))
      await eventually(() => isThere() || undefined, undefined, 20_000).catch(() => {
        throw new Error(`the small gateway did not print ${words}; it printed:\n${printed}`)
      })
    },
    ask: () => askAt(port),
    async close() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        const workers = child.pid === undefined ? [] : workersOf(child.pid).values()
        child.kill('SIGKILL')
        await exited
        for (const pid of workers) if (isAlive(pid)) process.kill(pid, 'SIGKILL') // one may be stopped
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function askAt(port: number): Asked {
  const socket = connect({ port, host: '127.0.0.1' })
  let text = ''
  let answered = Promise.withResolvers<string>()
  socket.on('data', chunk => {
    text += String(chunk)
    if (/\r\n\r\n\d+ \d+$/.test(text)) answered.resolve(text)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => answered.resolve(text))
  socket.write(request)
  return {
    socket,
    answer: answered.promise,
    askAgain() {
      text = ''
      answered = Promise.withResolvers<string>()
      socket.write(request)
      return answered.promise
    },
  }
}
