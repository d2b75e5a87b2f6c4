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
  const system = explainSystem(error)
  if (system !== undefined) return { exitCode: exitCodes.wrong, text: system }
  return {
    exitCode: exitCodes.wrong,
    text: expectedErrors.includes(error.name) ? error.message : `${error.stack}\nThis is a bug of Yumen.`,
  }
}

/** What the operating system refused, and what to do about it. */
function explainSystem(error: NodeJS.ErrnoException & { readonly port?: number }): string | undefined {
  const { code, syscall, path, port, message } = error
  if (syscall === undefined) return undefined
  const place = path ?? ''
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is taken by another process: end it, or choose another by PORT or --port`
    case 'EACCES':
    case 'EPERM':
      return port === undefined
        ? `${place} may not be read or written by this user: change its owner or mode, or name another place`
        : `port ${port} is not this user's to open: choose one above 1023 by PORT or --port`
    case 'ENOENT':
      return path === undefined ? message : `there is no ${place}`
    case 'ENOTDIR':
      return `a part of ${place} is a file and not a folder: name another place (YUMEN_DATA_DIR is the data's)`
    case 'EROFS':
      return `${place} lies on a file system that cannot be written: name another place (YUMEN_DATA_DIR is the data's)`
    default:
      return message
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
