import { parseArgs } from 'node:util'

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'wrong'; readonly message: string }
  | RunCommand

export interface RunCommand {
  readonly kind: 'run'
  readonly scale: 'default' | 'quick'
  /** Names of rows; empty for all. */
  readonly only: readonly string[]
  readonly printsJson: boolean
  /** The date that `results.md` is to bear, when it is to be written. */
  readonly recordDate: string | undefined
  readonly subject: 'yumen' | 'stand-in'
}

export const help = `npm run bench -- [options]

Measures the gateway of this repository against a bare proxy on the same Node, in turn, in one run.
What is measured and how to read it: bench/README.md.

  --quick            shorter slices and smaller numbers: under 90 s, rough
  --only ROW[,ROW]   these rows only
  --list             names of the rows, and what they do
  --json             one JSON document on stdout, with all raw numbers, in place of the table
  --record DATE      also write bench/results.md, dated DATE (YYYY-MM-DD)
  --subject NAME     yumen (default), or stand-in: a second bare proxy, to try the bench itself
  --help             this text

Progress goes to stderr. A limit that is missed is reported, no failure: the exit status is 1 only when a row could
not be run.
`

export function parseCommand(args: readonly string[], rowNames: readonly string[]): Command {
  const parsed = readArguments(args)
  if (typeof parsed === 'string') return { kind: 'wrong', message: parsed }
  if (parsed.help === true) return { kind: 'help' }
  if (parsed.list === true) return { kind: 'list' }
  const only = parsed.only === undefined ? [] : parsed.only.split(',').map(name => name.trim())
  const unknown = only.filter(name => !rowNames.includes(name))
  if (unknown.length > 0) {
    return {
      kind: 'wrong',
      message: `no row is named ${unknown.join(', ')}; there are ${rowNames.join(', ')}`,
    }
  }
  const { record, subject = 'yumen' } = parsed
  if (record !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(record)) {
    return { kind: 'wrong', message: `--record takes a date such as 2026-11-25, not ${record}` }
  }
  if (subject !== 'yumen' && subject !== 'stand-in') {
    return { kind: 'wrong', message: `--subject is yumen or stand-in, not ${subject}` }
  }
  const scale = parsed.quick === true ? 'quick' : 'default'
  return { kind: 'run', scale, only, printsJson: parsed.json === true, recordDate: record, subject }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string' },
        list: { type: 'boolean' },
        json: { type: 'boolean' },
        record: { type: 'string' },
        subject: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
}
