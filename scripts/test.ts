import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * `npm test`: the static checks, then the tests. Each check counts as one test; the last line is `N passed, N failed`.
 * `--checks`: the checks alone. `--long`: the long proofs too. Anything else goes to the test runner: `npm test -- routing`.
 */
const checks = [
  { name: 'types', command: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'] },
  { name: 'format, lint and layers', command: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'dead code', command: ['node_modules/knip/bin/knip.js', '--no-progress'] },
]

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const args = process.argv.slice(2)
const filters = args.filter(arg => !['--checks', '--long'].includes(arg))
const counts: Counts[] = []
if (filters.length === 0) for (const check of checks) counts.push(await runCheck(check))
if (!args.includes('--checks')) counts.push(await runTests(filters, args.includes('--long')))
const sum = (key: keyof Counts) => counts.reduce((total, count) => total + count[key], 0)
const skipped = sum('skipped')
process.stdout.write(
  `\n${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0

async function runCheck({ name, command }: (typeof checks)[number]): Promise<Counts> {
  const startedAt = performance.now()
  const { status, output } = await run(command, { isQuiet: true })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  process.stdout.write(`${status === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`)
  if (status !== 0) process.stdout.write(`${output}\n`)
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 }
}

async function runTests(filters: readonly string[], isLong: boolean): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'yumen-report-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
  const env = isLong ? { YUMEN_TEST_LONG: '1' } : {}
  const { status } = await run(['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...filters], {
    isQuiet: false,
    env,
  })
  try {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests: pending,
      numTodoTests: todo,
      success,
    } = readReport(report)
    // A file that cannot be loaded fails without a failed test of its own.
    return {
      passed,
      failed: failed === 0 && (status !== 0 || !success) ? 1 : failed,
      skipped: pending + todo,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
}

function readReport(path: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    process.stdout.write(
      `the test runner left no report: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, success: false }
  }
}

function run(
  command: readonly string[],
  { isQuiet, env = {} }: { isQuiet: boolean; env?: Readonly<Record<string, string>> },
): Promise<{ status: number | null; output: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [...command], {
      env: { ...process.env, ...env },
      stdio: isQuiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', chunk => {
        output += String(chunk)
      })
    child.on('close', status => resolve({ status, output }))
  })
}
