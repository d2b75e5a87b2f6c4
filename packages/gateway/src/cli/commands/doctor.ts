import type { Command } from 'commander'
import { describeLimits, readEnvironment, resolveLimits } from '#config'
import { exitCodes } from '../cli-error.ts'
import { type Check, examine } from '../doctor/examine.ts'
import { coloured, printJson, printLine, printTable } from '../output.ts'

interface DoctorOptions {
  readonly limits?: true
  readonly json?: true
}

export function define(command: Command): void {
  command
    .option('--limits', 'show every limit with its value and its reason')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Changes nothing. Exit status 1 when a check fails, 2 when the database could not be reached.

Examples:
  yumen doctor
  yumen doctor --limits`,
    )
    .action(doctor)
}

async function doctor({ limits, json }: DoctorOptions): Promise<void> {
  if (limits) return showLimits(json)
  const checks = await examine()
  if (json) printJson({ ok: checks.every(({ state }) => state !== 'fail'), checks })
  else printChecks(checks)
  const failed = checks.filter(({ state }) => state === 'fail')
  if (failed.length > 0)
    process.exitCode = failed.some(({ name }) => name === 'store') ? exitCodes.noStore : exitCodes.wrong
}

function showLimits(json: true | undefined): void {
  const { bodyBytesMax } = readEnvironment()
  const lines = describeLimits(resolveLimits({ bodyBytesMax }))
  if (json) {
    printJson({ limits: lines })
    return
  }
  printTable(
    lines,
    [
      { title: 'LIMIT', value: line => line.name },
      { title: 'VALUE', value: line => line.value, isNumber: true },
      { title: 'WHY', value: line => line.about },
    ],
    '',
  )
}

const looks = {
  ok: { word: 'ok  ', colour: 'green' },
  warn: { word: 'warn', colour: 'yellow' },
  fail: { word: 'FAIL', colour: 'red' },
} as const satisfies Record<Check['state'], object>

function printChecks(checks: readonly Check[]): void {
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const { name, state, found, advice } of checks) {
    const { word, colour } = looks[state]
    printLine(`${coloured(colour, word)}  ${name.padEnd(width)}  ${found}`)
    if (advice !== undefined) printLine(`${' '.repeat(width + 8)}→ ${advice}`)
  }
}
