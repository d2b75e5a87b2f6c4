import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** Plants dead code into a copy of the repository and sees knip find it, and nothing that is alive. */
const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'yumen-dead-code-'))
const pricing = join(folder, 'packages/pricing')
let found: readonly string[] = []

beforeAll(() => {
  for (const name of [
    'package.json',
    'knip.json',
    'tsconfig.json',
    'vitest.config.ts',
    'scripts',
    'bench',
    'packages',
  ]) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  appendFileSync(join(pricing, 'src/money.ts'), '\nexport const plantedExport = 1\n')
  writeFileSync(join(pricing, 'src/planted-file.ts'), 'export const plantedFile = 1\n')
  writeFileSync(join(pricing, 'src/planted.test.ts'), "import 'planted-package'\n")
  found = runKnip(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  { says: 'an export that nobody imports', name: 'plantedExport' },
  { says: 'a file that nobody imports', name: 'packages/pricing/src/planted-file.ts' },
  { says: 'a package that is imported and not declared', name: 'planted-package' },
])('finds $says', ({ name }) => {
  expect(found).toContain(name)
})

test.each([
  { says: 'an export that another package imports', name: 'computeCharge' },
  { says: 'an export that only the folder itself imports', name: 'leastCommonMultiple' },
  {
    says: 'a worker that is started by its path',
    name: 'packages/gateway/src/store/dialects/sqlite/write-worker.ts',
  },
])('leaves $says alone', ({ name }) => {
  expect(found).not.toContain(name)
})

interface Report {
  readonly issues: readonly Readonly<Record<string, string | readonly { readonly name: string }[]>>[]
}

/** Names of everything that knip holds against the code in `place`. */
function runKnip(place: string): string[] {
  const knip = join(root, 'node_modules/knip/bin/knip.js')
  const args = [knip, '--no-progress', '--reporter=json']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: place, encoding: 'utf8' })
  expect(status).toBe(1)
  const { issues }: Report = JSON.parse(stdout)
  return issues
    .flatMap(issue => Object.values(issue))
    .flatMap(list => (typeof list === 'string' ? [] : list.map(({ name }) => name)))
}
