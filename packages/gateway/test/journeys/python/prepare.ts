import { execFile, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folder = new URL('.', import.meta.url).pathname
const runtime = new URL('../../../../../.runtime/', import.meta.url).pathname
const requirements = join(folder, 'requirements.txt')

/** The longest that the making of the environment may take: 60 MB come over the network, once. */
export const prepareMsMax = 600_000

/**
 * A Python with the pinned clients, made once under `.runtime/`; answers its interpreter. Built beside and renamed, so that an
 * interrupted or a parallel run never leaves half of one. Throws with the words of `python3` or `pip` where there is none.
 */
export async function preparePython(): Promise<string> {
  const wanted = hash('sha256', await readFile(requirements)).slice(0, 12)
  const home = join(runtime, `python-${wanted}`)
  if (!(await exists(home))) await build(home)
  return join(home, 'bin', 'python')
}

async function build(home: string): Promise<void> {
  process.stderr.write(`yumen: installing the Python clients into ${home} (once, about 60 MB) ...\n`)
  const partial = `${home}-partial-${process.pid}`
  try {
    await mkdir(runtime, { recursive: true })
    await step('python3', ['-m', 'venv', partial])
    const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-compile']
    await step(join(partial, 'bin', 'python'), ['-m', 'pip', 'install', ...options, '-r', requirements])
    await rename(partial, home).catch(async (error: unknown) => {
      if (!(await exists(home))) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

async function step(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, [...args], { timeout: prepareMsMax })
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new Error(
      `the journeys of the Python clients need python3 (3.10 or newer) with venv and pip, and the network once; ` +
        `this did not work: ${said}`,
      { cause: error },
    )
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** One thing that a script is to do. */
export interface Ask {
  readonly action: string
  readonly model: string
  readonly key: string
  readonly usage?: true
}

/** What came of it. `classes` are the names of the exception's class and of those above it. */
export interface Outcome {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly classes: readonly string[] } & Readonly<Record<string, unknown>>
}

/** Each has a script, `<name>_journey.py`. */
export type Sdk = 'openai' | 'anthropic' | 'google'

export interface Script {
  readonly python: string
  readonly sdk: Sdk
  readonly url: string
}

/** Runs one script over all `asks`, in one process: its start takes longer than they do. Outcomes in their order. */
export async function runScript(
  { python, sdk, url }: Script,
  asks: readonly Ask[],
): Promise<readonly Outcome[]> {
  const env = {
    PATH: '/usr/bin:/bin',
    YUMEN_URL: url,
    PYTHONIOENCODING: 'utf-8',
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(python, [join(folder, `${sdk}_journey.py`)], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    said.stderr += text
  })
  child.stdin.on('error', () => undefined).end(asks.map(ask => `${JSON.stringify(ask)}\n`).join(''))
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  const lines = said.stdout.split('\n').filter(line => line !== '')
  if (status !== 0 || lines.length !== asks.length) {
    const last = JSON.stringify(asks[lines.length])
    throw new Error(`${sdk}_journey.py ended with ${status} at ${last}:\n${said.stderr.slice(-4_000)}`)
  }
  return lines.map(line => JSON.parse(line))
}
