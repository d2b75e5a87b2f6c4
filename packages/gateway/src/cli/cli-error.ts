/** What a shell learns from a command. */
export const exitCodes = { done: 0, wrong: 1, noStore: 2 } as const

/**
 * The user can do something about it: printed without a stack. `message` says what was found and what to do.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
}

const expectedErrors = ['CliError', 'ConfigError', 'SealError', 'JournalFormatError']

/**
 * The exit code for a failure and what to print. Messages of `StoreError` and of `expectedErrors` are
 * made for people; they are told by name, so that `--help` need not load their modules.
 */
export function explainFailure(error: unknown): { readonly exitCode: number; readonly text: string } {
  if (!(error instanceof Error)) return { exitCode: exitCodes.wrong, text: String(error) }
  if (error.name === 'CommanderError') return explainParsing(error)
  if (error.name === 'StoreError') {
    const code = 'code' in error ? error.code : undefined
    const isAway = code === 'unavailable' || code === 'newer_schema'
    return { exitCode: isAway ? exitCodes.noStore : exitCodes.wrong, text: error.message }
  }
  const isExpected = expectedErrors.includes(error.name) || 'syscall' in error
  return {
    exitCode: exitCodes.wrong,
    text: isExpected ? error.message : `${error.stack}\nThis is a bug of Yumen.`,
  }
}

/** What the parser of the command line refuses, where it may not print by itself; help that was asked for is no failure. */
function explainParsing(error: Error): { readonly exitCode: number; readonly text: string } {
  const exitCode = 'exitCode' in error && error.exitCode === 0 ? exitCodes.done : exitCodes.wrong
  const isHelp = 'code' in error && error.code === 'commander.help'
  return {
    exitCode,
    text: isHelp ? 'a command is missing: --help lists them' : error.message.replace(/^error: /, ''),
  }
}
