import { type ExecFileException, execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Simulator, startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../packages/gateway/test/gateway.ts'

/**
 * Runs what README and docs show. A fenced block takes part when its first line says so behind the language:
 *
 * - `sh test`: commands that succeed; all of a page run in one shell, in the page's order
 * - `sh fails`: one command that does not
 * - `js test`: a program; `YUMEN_KEY` holds a key
 * - `yaml test`, `yaml test NAME`: a declarative file that `apply --dry-run` takes; with a name it is there for the shell
 *
 * Instead of the providers' own addresses a simulator is asked, and the gateway listens on another port.
 */
interface Block {
  readonly language: string
  readonly mark: string
  readonly name: string | undefined
  readonly text: string
  readonly line: number
}

const root = new URL('..', import.meta.url).pathname
const pages = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs/guide'), ...markdownIn('docs/reference')]
const providerKeys = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'AZURE', 'DASHSCOPE', 'DASHSCOPE_INTL'].map(
  name => `${name}_API_KEY`,
)

/** Models that the pages name, on channels that are there before any page adds its own. */
const models = { openai: ['gpt-4o-mini'], anthropic: ['claude-sonnet-4-6'], gemini: ['gemini-2.5-flash'] }
const pageKey = 'sk-thekeythatdocumentsusewhentheyhavenoneofthemselves'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
})
afterAll(() => simulator.close())

describe.concurrent.each(
  pages.map(path => ({ path, blocks: blocksOf(path) })).filter(({ blocks }) => blocks.length > 0),
)('$path', ({ path, blocks }) => {
  const yaml = blocks.filter(({ language }) => language === 'yaml')
  const shell = blocks.filter(({ language }) => language === 'sh')
  const programs = blocks.filter(({ language }) => language === 'js')
  const folder = mkdtempSync(join(tmpdir(), 'yumen-docs-'))
  let gateway: TestGateway

  beforeAll(async () => {
    mkdirSync(join(folder, 'bin'))
    symlinkSync(join(root, 'bin/yumen'), join(folder, 'bin/yumen'))
    symlinkSync(join(root, 'examples'), join(folder, 'examples'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    gateway = await startTestGateway({ yaml: backgroundYaml(simulator.url) })
    for (const { name, text } of yaml)
      if (name !== undefined) writeFileSync(join(folder, name), toSimulator(text))
  })
  afterAll(async () => {
    await gateway.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test.runIf(shell.length > 0)(
    'its commands do what the page says',
    async () => {
      const script = [
        'set -euo pipefail',
        curlThatFails,
        ...shell.map(block => renderStep(path, block)),
      ].join('\n')
      await runOrTell('bash', ['-c', localised(script)], path)
    },
    60_000,
  )

  test.each(yaml)('its declarative file of line $line is right', async ({ text, line }) => {
    const file = join(folder, `line-${line}.yaml`)
    writeFileSync(file, text)
    await runOrTell('bin/yumen', ['apply', '-f', file, '--dry-run'], `${path}:${line}`)
  })

  test.each(programs)('its program of line $line runs', async ({ text, line }) => {
    const file = join(folder, `line-${line}.mjs`)
    writeFileSync(file, localised(text))
    const printed = await runOrTell(process.execPath, [file], `${path}:${line}`)
    expect(printed.trim()).not.toBe('')
  })

  function localised(text: string): string {
    const { host } = new URL(gateway.url)
    return toSimulator(
      text.replaceAll('localhost:3000', host).replaceAll('http://127.0.0.1:4000', simulator.url),
    )
  }

  /** Standard output; a failure names the place in the page. */
  function runOrTell(program: string, args: readonly string[], place: string): Promise<string> {
    const options = { cwd: folder, env: environmentOf(gateway), timeout: 55_000 }
    return new Promise((resolve, reject) => {
      execFile(program, [...args], options, (error: ExecFileException | null, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(`${place} failed\n${stdout}\n${stderr}`))
      })
    })
  }
})

test.each([
  ...pages,
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/failover.md',
  'examples/README.md',
  ...markdownIn('docs/decisions'),
])('%s names no file that is not there', path => {
  const page = readFileSync(join(root, path), 'utf8').replaceAll(/^```.*?^```$/gms, '')
  const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, to = '']) => join(dirname(path), to))
  const named = [...page.matchAll(/`((?:packages|scripts|docs|examples|bench)\/[\w./-]+)`/g)].map(
    ([, name = '']) => name,
  )
  expect([...links, ...named].filter(name => !existsSync(join(root, name)))).toEqual([])
})

describe('examples', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway({ yaml: backgroundYaml(simulator.url) })
  })
  afterAll(() => gateway.remove())

  test.each(['openai-js/main.mjs', 'anthropic-js/main.mjs', 'gemini-js/main.mjs'])(
    '%s prints an answer',
    async name => {
      expect(await runExample(process.execPath, name)).toMatch(/simulator/i)
    },
  )

  test('curl asks in all four protocols', async () => {
    const printed = await runExample('sh', 'curl/all.sh')
    for (const word of ['"chat.completion"', '"response"', '"message"', 'usageMetadata'])
      expect(printed).toContain(word)
  })

  test.each(readdirSync(join(root, 'examples/declarative')))('declarative/%s is right', async name => {
    const file = join(root, 'examples/declarative', name)
    const options = { env: environmentOf(gateway) }
    const printed = await capture(join(root, 'bin/yumen'), ['apply', '-f', file, '--dry-run'], options)
    expect(printed).toMatch(/\d+ changes; nothing was applied/)
  })

  function runExample(program: string, name: string): Promise<string> {
    return capture(program, [join(root, 'examples', name)], { env: environmentOf(gateway) })
  }
})

function capture(
  program: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      { ...options, timeout: 25_000 },
      (error: ExecFileException | null, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`))
      },
    )
  })
}

/** A page's `curl` waits until the change before it is in force everywhere, which takes half a second. */
const curlThatFails = 'curl() { sleep 0.6; command curl --fail-with-body -sS "$@"; }'

function renderStep(path: string, { mark, text, line }: Block): string {
  const place = `echo '${path}:${line}' >&2`
  if (mark !== 'fails') return `${place}\n${text}`
  return `${place}\nif ${text.trimEnd()}\nthen echo 'this was to fail' >&2; exit 1; fi`
}

/** Channels of the providers, at the simulator's address. Other text stays as it is. */
function toSimulator(text: string): string {
  return text
    .split(/(?<!\\)\n/)
    .map(line =>
      line.includes('--base-url') ? line : line.replace(/--provider \S+/, `$& --base-url ${simulator.url}`),
    )
    .join('\n')
}

function environmentOf(gateway: TestGateway): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    YUMEN_DATA_DIR: gateway.dataDir,
    YUMEN_URL: gateway.url,
    YUMEN_KEY: pageKey,
    PORT: new URL(gateway.url).port,
    ...Object.fromEntries(providerKeys.map(name => [name, 'a-key-for-the-simulator'])),
  }
}

function backgroundYaml(upstream: string): string {
  const channels = Object.entries(models).map(([provider, names]) => ({
    name: `page-${provider}`,
    provider,
    baseUrl: upstream,
    keys: ['any'],
    models: names,
    priority: -1,
  }))
  return JSON.stringify({
    apiVersion: 'yumen/v1',
    users: [{ username: 'page', balance: 'unlimited' }],
    apiKeys: [{ user: 'page', name: 'page', key: pageKey }],
    channels,
  })
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => `${folder}/${name}`)
}

function blocksOf(path: string): Block[] {
  const blocks: Block[] = []
  const page = readFileSync(join(root, path), 'utf8')
  for (const match of page.matchAll(/^```(sh|js|yaml) (test|fails)(?: (\S+))?\n(.*?)^```$/gms)) {
    const [, language = '', mark = '', name, text = ''] = match
    blocks.push({ language, mark, name, text, line: page.slice(0, match.index).split('\n').length + 1 })
  }
  return blocks
}
