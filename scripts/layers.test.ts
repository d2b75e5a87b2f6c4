import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * Plants code that the rules of `biome.json` forbid, each in a file of its own beside files of the same names as ours, and sees
 * it refused; then code that they allow, and sees it pass. A tool that reads nothing would pass every check but this one.
 */
interface Planted {
  readonly says: string
  readonly file: string
  readonly code: string
  /** The rule that refuses it; none where it is allowed. */
  readonly rule?: string
}

const root = new URL('..', import.meta.url).pathname
const restricted = 'lint/style/noRestrictedImports'

const imports: readonly Planted[] = [
  ...refused('protocol/src/planted.ts', [
    'node:fs',
    'undici',
    '@yumen/providers',
    '@yumen/pricing',
    '../../providers/src/index.ts',
    '../../gateway/src/main.ts',
  ]),
  ...refused('pricing/src/planted.ts', ['node:fs', '@yumen/providers', '../../protocol/src/usage.ts']),
  ...refused('providers/src/planted.ts', [
    'undici',
    '@yumen/pricing',
    '@yumen/gateway',
    '../../gateway/src/main.ts',
  ]),
  ...refused('providers/src/planted.test.ts', ['@yumen/simulator', '#relay', '../../protocol/src/usage.ts']),
  ...refused('simulator/src/planted.ts', [
    '@yumen/protocol',
    '@yumen/providers',
    '../../protocol/src/sse.ts',
  ]),
  ...refused('simulator/src/openai-chat/planted.ts', ['@yumen/pricing', '../../../protocol/src/sse.ts']),
  ...['routing', 'identity', 'catalog', 'journal', 'config', 'analytics', 'billing', 'overrides'].flatMap(
    folder =>
      refused(`gateway/src/${folder}/planted.ts`, [
        '#relay',
        '#http',
        '../relay/relay.ts',
        '../main.ts',
        '../cli/output.ts',
      ]),
  ),
  ...refused('gateway/src/store/planted.ts', [
    '#relay',
    '#catalog',
    '../config/limits.ts',
    '../journal/journal.ts',
  ]),
  ...refused('gateway/src/outbound/planted.ts', [
    '#config',
    '#relay',
    '@yumen/protocol',
    '../config/limits.ts',
  ]),
  ...refused('gateway/src/relay/planted.ts', [
    '#http',
    '#cluster',
    '../store/open.ts',
    '../routing/routing.ts',
    '../main.ts',
  ]),
  ...refused('gateway/src/relay/upstream/planted.ts', ['../../journal/record.ts', '../../identity/index.ts']),
  ...refused('gateway/src/planted.ts', ['./relay/relay.ts', './config/env.ts']),
  ...refused('gateway/src/cli/commands/planted.ts', ['../../store/open.ts']),
]

const valueImports: readonly Planted[] = [
  typesOnly('gateway/src/relay/values.ts', '#store'),
  typesOnly('gateway/src/telemetry/values.ts', '#relay'),
  typesOnly('gateway/src/telemetry/values.ts', '#journal'),
  typesOnly('gateway/src/store/values.ts', '#config'),
  typesOnly('gateway/src/store/procedures/values.ts', '../../journal/record.ts'),
]

const habits: readonly Planted[] = [
  habit('any', 'suspicious/noExplicitAny', 'export const thing: any = 1\n'),
  habit(
    'a non-null assertion',
    'style/noNonNullAssertion',
    'export const first = (list: number[]) => list[0]!\n',
  ),
  habit('console.log', 'suspicious/noConsole', "console.log('here')\n"),
  habit('debugger', 'suspicious/noDebugger', 'debugger\n'),
  habit('process.env', 'style/noProcessEnv', "export const port = process.env['PORT']\n"),
  habit(
    'a value import of a type',
    'style/useImportType',
    "import { Plan } from './types.ts'\nexport type Own = Plan\n",
  ),
  habit(
    'node without its scheme',
    'style/useNodejsImportProtocol',
    "import { join } from 'path'\nexport { join }\n",
  ),
  habit(
    'a floating promise',
    'nursery/noFloatingPromises',
    'async function work() {\n  return 1\n}\nwork()\n',
  ),
  habit(
    'the floating promise of a part',
    'nursery/noFloatingPromises',
    "import type { Part } from './a-part.ts'\nexport function use(part: Part) {\n  part.work()\n}\n",
  ),
  habit(
    'the floating promise of another folder',
    'nursery/noFloatingPromises',
    "import type { Door } from '#store'\nexport function use(door: Door) {\n  door.work()\n}\n",
  ),
  {
    says: 'an import cycle',
    file: 'packages/gateway/src/routing/circle.ts',
    rule: 'lint/suspicious/noImportCycles',
    code: "import { second } from './circle-second.ts'\nexport const first = () => second()\n",
  },
  {
    says: 'the other half of the cycle',
    file: 'packages/gateway/src/routing/circle-second.ts',
    rule: 'lint/suspicious/noImportCycles',
    code: "import { first } from './circle.ts'\nexport const second = (): number => first()\n",
  },
]

const allowed: readonly Planted[] = [
  ...passing('pricing/src/allowed.ts', ['@yumen/protocol', './money.ts']),
  ...passing('providers/src/allowed.ts', ['@yumen/protocol']),
  ...passing('simulator/src/allowed.ts', ['node:http', './reply.ts']),
  ...passing('gateway/src/relay/allowed.ts', [
    '#routing',
    '#billing',
    '#identity',
    '#analytics',
    '#journal',
    '#catalog',
    '#config',
    '#store',
    '#telemetry',
    '@yumen/protocol',
    './upstream/call.ts',
  ]),
  ...passing('gateway/src/store/allowed.ts', [
    './types.ts',
    '../config/desired-state.ts',
    '../journal/record.ts',
    '#config',
  ]),
  ...passing('gateway/src/routing/allowed.ts', ['#catalog', '@yumen/providers', './types.ts']),
  {
    says: 'an awaited promise',
    file: 'packages/gateway/src/routing/a-part.ts',
    code: 'export interface Part {\n  work(): Promise<void>\n}\nexport const use = async (part: Part) => await part.work()\n',
  },
  {
    says: 'a door',
    file: 'packages/gateway/src/store/index.ts',
    code: "export type { Door } from './door.ts'\n",
  },
  {
    says: 'a part',
    file: 'packages/gateway/src/store/door.ts',
    code: 'export interface Door {\n  work(): Promise<void>\n}\n',
  },
  {
    says: 'console.log of a command',
    file: 'packages/gateway/src/cli/printing.ts',
    code: "console.log('done')\n",
  },
]

const planted = [...imports, ...valueImports, ...habits, ...allowed].map((plant, index) => ({
  ...plant,
  file: plant.file.replace(/(\.test)?\.ts$/, (_, isTest = '') =>
    index < imports.length ? `-${index}${isTest}.ts` : `${isTest}.ts`,
  ),
}))
const folder = mkdtempSync(join(tmpdir(), 'yumen-layers-'))
const found = new Map<string, Set<string>>()

beforeAll(() => {
  for (const name of [
    'biome.json',
    '.gitignore',
    'tsconfig.json',
    'scripts/lint',
    'packages/gateway/package.json',
  ]) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const { file, code } of planted) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), code)
  }
  for (const { path, category } of lint(folder)) {
    const rules = found.get(path) ?? new Set()
    found.set(path, rules.add(category))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(planted.filter(({ rule }) => rule !== undefined))('refuses $says in $file', ({ file, rule }) => {
  expect([...(found.get(file) ?? [])]).toContain(rule)
})

test.each(planted.filter(({ rule }) => rule === undefined))('lets $says be in $file', ({ file }) => {
  expect([...(found.get(file) ?? [])]).toEqual([])
})

test('the files whose types the store knows hold nothing but types', () => {
  for (const name of ['config/desired-state.ts', 'journal/record.ts']) {
    const source = join(root, 'packages/gateway/src', name)
    const script = `import(${JSON.stringify(source)}).then(found => console.log(Object.keys(found).length))`
    expect(`${name} ${execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim()}`).toBe(
      `${name} 0`,
    )
  }
})

interface Finding {
  readonly path: string
  readonly category: string
}

function lint(place: string): Finding[] {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '.', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none']
  const { stdout } = spawnSync(process.execPath, args, {
    cwd: place,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const { diagnostics }: { diagnostics: readonly RawFinding[] } = JSON.parse(stdout)
  return diagnostics.map(({ category, location }) => ({ category, path: pathOf(location.path) }))
}

interface RawFinding {
  readonly category: string
  readonly location: { readonly path: string | { readonly file: string } }
}

function pathOf(path: RawFinding['location']['path']): string {
  const text = typeof path === 'string' ? path : path.file
  return text.startsWith(folder) ? text.slice(folder.length + 1) : text
}

function refused(file: string, sources: readonly string[]): Planted[] {
  return sources.map(source => ({
    says: source,
    file: `packages/${file}`,
    code: sideEffect(source),
    rule: restricted,
  }))
}

function passing(file: string, sources: readonly string[]): Planted[] {
  const code = sources.map(source => `export type { Some${nameOf(source)} } from '${source}'\n`).join('')
  return [{ says: sources.join(', '), file: `packages/${file}`, code }]
}

/** The import of a value where only types may be known. */
function typesOnly(file: string, source: string): Planted {
  const name = `${file.slice(0, -3)}-${nameOf(source)}.ts`
  return { says: `a value of ${source}`, file: `packages/${name}`, code: valueImport(source), rule: 'plugin' }
}

function habit(says: string, rule: string, code: string): Planted {
  const file = `packages/gateway/src/routing/${says.replaceAll(/[^a-zA-Z]+/g, '-')}.ts`
  return { says, file, code, rule: `lint/${rule}` }
}

function sideEffect(source: string): string {
  return `import '${source}'\n`
}

function valueImport(source: string): string {
  return `import { some } from '${source}'\nexport const own = some\n`
}

function nameOf(source: string): string {
  return source.replaceAll(/[^a-z]/g, '')
}
