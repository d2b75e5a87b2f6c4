import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describeVariables } from '../packages/gateway/src/config/env.ts'
import { describeLimits, optionRegistry, resolveLimits } from '../packages/gateway/src/config/index.ts'
import { dialectNames, type ErrorClass, errorClasses, errorStatus } from '../packages/protocol/src/index.ts'

/**
 * Writes the pages of `docs/` that are made from the code. `--check` writes nothing and fails when a page is
 * stale; `npm test` does the same.
 */
interface Page {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly text: string
}

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

export async function renderPages(): Promise<readonly Page[]> {
  return [
    { path: 'docs/guide/command-line.md', text: await renderCommandLine() },
    { path: 'docs/reference/limits.md', text: renderLimits() },
    { path: 'docs/reference/options.md', text: renderOptions() },
    { path: 'docs/reference/environment.md', text: renderEnvironment() },
    { path: 'docs/reference/errors.md', text: renderErrors() },
  ]
}

/** Pages whose file says something else than the code. */
export async function findStale(pages: readonly Page[]): Promise<readonly string[]> {
  const written = await Promise.all(
    pages.map(({ path }) => readFile(join(root, path), 'utf8').catch(missing)),
  )
  return pages.filter(({ text }, index) => written[index] !== text).map(({ path }) => path)
}

/** The text of every `--help`, in the order in which the command line lists its commands. */
async function renderCommandLine(): Promise<string> {
  const overview = await helpOf([])
  const commands = commandsIn(overview)
  const built = commands.filter(({ about }) => about !== 'Not built yet').map(({ name }) => name)
  const planned = commands.filter(({ about }) => about === 'Not built yet').map(({ name }) => name)
  const sections: (readonly string[])[] = []
  for (const name of built) sections.push(await renderCommand(name)) // each with its subcommands at once: enough processes
  return page('Command line', [
    'Every command of `bin/yumen`, as `--help` prints it. Commands work on the data of the environment they are',
    'started in ([environment](../reference/environment.md)), whether or not a gateway is running on it; a running',
    'gateway picks changes up within a second.',
    '',
    block(overview),
    ...sections.flat(),
    '## Not built yet',
    '',
    `${planned.map(name => `\`${name}\``).join(', ')}: these names are taken, and say so when they are called.`,
  ])
}

async function renderCommand(name: string): Promise<readonly string[]> {
  const help = await helpOf([name])
  const inner = await Promise.all(commandsIn(help).map(sub => renderSubcommand([name, sub.name])))
  return [`## yumen ${name}`, '', block(help), ...inner.flat()]
}

async function renderSubcommand(words: readonly string[]): Promise<readonly string[]> {
  return [`### yumen ${words.join(' ')}`, '', block(await helpOf(words))]
}

async function helpOf(words: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    NO_COLOR: '1',
    YUMEN_DATA_DIR: tmpdir(),
  }
  const { stdout } = await run(join(root, 'bin/yumen'), [...words, '--help'], { env })
  return stdout.trim()
}

/** Name and sentence of each command that a help text lists, `help` aside. */
function commandsIn(help: string): readonly { readonly name: string; readonly about: string }[] {
  const [, listed = ''] = help.split('\nCommands:\n')
  const [list = ''] = listed.split('\n\n')
  return list
    .split('\n')
    .map(line => /^ {2}(\S+)(?: \S+)*? {2,}(.+)$/.exec(line))
    .flatMap(match =>
      match?.[1] === undefined || match[1] === 'help' ? [] : [{ name: match[1], about: match[2] ?? '' }],
    )
}

const MiB = 1024 * 1024

function renderLimits(): string {
  const values = resolveLimits({ bodyBytesMax: 128 * MiB, memoryBytes: 4096 * MiB })
  return page('Limits', [
    'Every queue, buffer, cache and wait of the gateway has a limit. Reaching one is a normal event with a clear',
    'error. The last word of a name is its unit or bound. `bin/yumen doctor --limits` shows the values of your',
    'installation; this page those of a machine with 4 GiB of memory.',
    '',
    ...table(
      ['limit', 'value', 'why'],
      describeLimits(values).map(({ name, value, about }) => [code(name), spell(name, value), about]),
    ),
  ])
}

/** A number with its unit where the unit makes it shorter: 1 MiB, 15 s. */
function spell(name: string, value: number): string {
  if (/Bytes/.test(name) && value % MiB === 0) return `${value / MiB} MiB`
  if (/Bytes/.test(name) && value % 1024 === 0) return `${value / 1024} KiB`
  if (/Ms(Max)?$/.test(name) && value % 1_000 === 0) return `${value / 1_000} s`
  if (/Ms(Max)?$/.test(name)) return `${value} ms`
  return value.toLocaleString('en')
}

function renderOptions(): string {
  const options = Object.entries(optionRegistry).map(([key, option]) => ({
    ...option,
    key,
    isPlanned: 'isPlanned' in option,
  }))
  const rows = (isPlanned: boolean) =>
    options
      .filter(option => option.isPlanned === isPlanned)
      .map(({ key, fallback, allowed, about }) => [code(key), code(JSON.stringify(fallback)), allowed, about])
  return page('Options', [
    'Values that the store keeps and that may change while the gateway runs: the section `options` of the',
    '[declarative file](../guide/declarative-file.md). One that nobody set has its default.',
    '',
    ...table(['option', 'default', 'allowed', 'what it is for'], rows(false)),
    '',
    'A channel overrides `relay.connectTimeoutMs`, `relay.firstByteTimeoutMs`, `relay.idleTimeoutMs`,',
    '`relay.totalTimeoutMs`, `relay.pingIntervalMs` and `relay.retryTimes` for itself: the same name without `relay.`',
    'in its `settings`.',
    '',
    '## Accepted, without effect yet',
    '',
    "New API's names, so that its settings can move in unchanged, and `fetch.*`, for what will fetch addresses that users name.",
    'Nothing reads them in this version.',
    '',
    ...table(['option', 'default', 'allowed', 'what it is for'], rows(true)),
  ])
}

function renderEnvironment(): string {
  return page('Environment', [
    'Read once, at the start; what cannot be used stops the start with the name, what was found and what is allowed.',
    "Names without `YUMEN_` are New API's. An empty value counts as none. The default stands in parentheses.",
    '',
    ...table(
      ['variable', 'what it is for'],
      describeVariables().map(({ name, about }) => [code(name), about]),
    ),
    '',
    '`bin/yumen doctor` names variables of New API that are set and change nothing here, and `YUMEN_…` that it does',
    'not know.',
  ])
}

/** A class without a sentence does not compile. */
const meanings = {
  invalid_request: 'The request is wrong; the message says where.',
  unsupported: 'The model, or every channel that serves it, cannot do that.',
  context_length: "The prompt does not fit into the model's window.",
  payload_too_large: 'The body is larger than the gateway or the upstream takes.',
  content_policy: "The upstream's content filter refused it.",
  auth_client: 'No API key, an unknown one, or one that is disabled or has expired.',
  permission_client: 'The key, its user or its group may not do that, or not from there.',
  model_not_priced: 'The model has no price, and the operator serves priced models only.',
  model_not_found: "No channel serves a model of this name for the key's group.",
  state_not_found: 'A stored response or item that the request refers to does not exist.',
  state_invalid: 'Reasoning state that came back changed.',
  quota_client: 'Money or a spending limit is used up.',
  rate_limited_client: 'A rate limit of this gateway.',
  rate_limited: 'Every upstream that was tried is being asked too often.',
  overloaded: 'Every upstream that was tried is overloaded.',
  shed: 'The gateway itself has reached a limit and takes nothing new just now.',
  no_candidate: 'Channels list the model, and none of them can serve it now.',
  upstream_timeout: 'The upstream did not answer in time.',
  upstream_error: 'The upstream failed, or its answer made no sense.',
  internal: 'A mistake within the gateway; it is in its log, under the request id.',
} as const satisfies Record<ErrorClass, string>

const unsent = ['model_not_priced', 'rate_limited_client'] as const satisfies readonly ErrorClass[]

function renderErrors(): string {
  const classes = Object.entries(meanings).map(([name, meaning]) => ({ name: name as ErrorClass, meaning })) // keys of a Record over ErrorClass
  return page('Errors', [
    'A client is told of an error in its own protocol, with the status and the words that the official SDKs expect.',
    'Every answer has the header `x-request-id`; `bin/yumen requests show ID` tells what happened to it.',
    '',
    ...table(
      ['class', 'what happened', 'retry'],
      classes.map(({ name, meaning }) => [
        code(name),
        meaning,
        errorClasses[name].isRetryable ? 'yes' : 'no',
      ]),
    ),
    '',
    'Where a retry makes no sense the answer says `x-should-retry: false`. Where a wait is known it says `retry-after`.',
    `${unsent.map(code).join(' and ')} belong to features that are not built yet: no client gets them from this version.`,
    '',
    '## What each protocol says',
    '',
    `Statuses in the order ${dialectNames.map(code).join(', ')}; one number where all are equal. An address that does not`,
    'exist is a 404 and a wrong method a 405, both of class `invalid_request`.',
    '',
    ...table(
      ['class', 'status', 'OpenAI `type`', 'OpenAI `code`', 'Anthropic `type`', 'Gemini `status`'],
      classes.map(({ name }) => {
        const { openai, anthropic, gemini } = errorClasses[name]
        return [
          code(name),
          statuses(name),
          code(openai.type),
          code(openai.code),
          code(anthropic),
          code(gemini),
        ]
      }),
    ),
  ])
}

function statuses(name: ErrorClass): string {
  const all = dialectNames.map(dialect => errorStatus(name, dialect))
  return new Set(all).size === 1 ? String(all[0]) : all.join(', ')
}

const head =
  '<!-- Made by scripts/generate-docs.ts from the code: change the code and run `npm run docs`. -->'

function page(title: string, lines: readonly string[]): string {
  return `${head}\n\n# ${title}\n\n${lines.join('\n')}\n`
}

function block(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\`\n`
}

function code(text: string): string {
  return `\`${text}\``
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)]
}

/** What Markdown would take for a column or a tag. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function missing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

if (import.meta.main) {
  const pages = await renderPages()
  const stale = await findStale(pages)
  if (process.argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is stale: run npm run docs`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else {
    for (const { path, text } of pages.filter(({ path }) => stale.includes(path))) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
      console.log(`wrote ${path}`)
    }
  }
}
