import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './faults/eventually.ts'

const run = promisify(execFile)
const binary = new URL('../../../bin/yumen', import.meta.url).pathname

export interface TestGateway {
  readonly url: string
  readonly dataDir: string
  /** Of the process that was started, which is the parent where there are workers; fails when there is none. */
  pid(): number
  /** Everything that has come of what it printed; its log is written every half second. */
  output(): string
  /** Waits until it has printed this. */
  untilPrinted(words: string | RegExp): Promise<void>
  /** Runs a command of bin/yumen on the same data; answers its stdout. */
  yumen(...args: string[]): Promise<string>
  /** The same with `--json`, parsed. */
  yumenJson(...args: string[]): Promise<unknown>
  apply(yaml: string): Promise<string>
  /** SIGTERM, and what it exited with. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Starts it again on the same data and port. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>
  /** Ends it and removes its folder. */
  remove(): Promise<void>
}

/** A real gateway: `bin/yumen serve` in a process of its own, on a free port and an empty folder. */
export async function startTestGateway({
  yaml,
  env = {},
}: {
  yaml: string
  env?: Readonly<Record<string, string>>
}): Promise<TestGateway> {
  const dataDir = await mkdtemp(join(tmpdir(), 'yumen-test-'))
  const port = await freePort()
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    YUMEN_DATA_DIR: dataDir,
    PORT: String(port),
    YUMEN_HOST: '127.0.0.1',
    ...env,
  }
  let printed = ''
  let child: ChildProcess | undefined

  async function start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const started = spawn(binary, ['serve'], {
      env: { ...environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', chunk => {
        printed += String(chunk)
      })
    await waitUntilReady(`http://127.0.0.1:${port}`, started, () => printed)
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null)
      return ending?.exitCode ?? null
    const exited = new Promise<number | null>(resolve => ending.once('exit', code => resolve(code)))
    ending.kill(signal)
    return exited
  }

  const gateway: TestGateway = {
    url: `http://127.0.0.1:${port}`,
    dataDir,
    pid() {
      if (child?.pid === undefined) throw new Error('the gateway is not running')
      return child.pid
    },
    output: () => printed,
    async untilPrinted(words) {
      const isThere = () => (typeof words === 'string' ? printed.includes(words) : words.test(printed))
      await eventually(() => isThere() || undefined, undefined, 10_000).catch(() => {
        throw new Error(`the gateway did not print ${words} within 10 s; it printed:\n${printed}`)
      })
    },
    yumen: async (...args) =>
      (await run(binary, args, { env: environment, maxBuffer: 64 * 1024 * 1024 })).stdout,
    yumenJson: async (...args) => JSON.parse(await gateway.yumen(...args, '--json')),
    async apply(text) {
      const file = join(dataDir, 'test.yaml')
      await writeFile(file, text)
      return gateway.yumen('apply', '-f', file)
    },
    stop: () => end('SIGTERM'),
    async kill() {
      await end('SIGKILL')
    },
    restart: more => start(more),
    async remove() {
      await end('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  await gateway.apply(yaml)
  await start()
  return gateway
}

async function waitUntilReady(url: string, child: ChildProcess, printed: () => string): Promise<void> {
  const endsAt = Date.now() + 15_000
  while (Date.now() < endsAt) {
    if (child.exitCode !== null)
      throw new Error(`the gateway ended at its start with ${child.exitCode}:\n${printed()}`)
    const response = await fetch(`${url}/readyz`).catch(() => undefined)
    if (response?.status === 200) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error(`the gateway was not ready in time:\n${printed()}`)
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      )
    })
  })
}

/** The key that `simulatorYaml` gives to its user. */
export const testKey = 'sk-0123456789abcdef0123456789abcdef0123456789abcdef'

/** A file with one channel per dialect, all of which lead to a simulator; every model name that is listed works there. */
export function simulatorYaml({ upstream, models }: { upstream: string; models: readonly string[] }): string {
  const channel = (name: string, provider: string, prefix: string) => `
  - name: ${name}
    provider: ${provider}
    baseUrl: ${upstream}
    keys: [upstream-key-${name}]
    models: ${JSON.stringify(models.map(model => `${prefix}${model}`))}`
  return `
apiVersion: yumen/v1
prices: { "*": { input: "2.50", output: "10", cacheRead: "1.25" } }
users: [{ username: alice, balance: "100" }]
apiKeys: [{ user: alice, name: test, key: ${testKey} }]
channels:${channel('openai', 'openai', '')}${channel('anthropic', 'anthropic', 'claude-')}${channel('gemini', 'gemini', 'gemini-')}
`
}
