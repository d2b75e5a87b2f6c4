import { pino } from 'pino'

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the kernel writes into a pipe in one piece: lines of several processes do not cut each other. */
const pipeBytes = 4_096

/** JSON lines on stdout. Fields are named, never whole objects of others, so no prompt, answer, key or cookie gets in. */
export function createLog(level: string, worker?: number): Log & { flush(): void } {
  const shares = worker === undefined ? { minLength: 4_096 } : { minLength: 2_048, maxWrite: pipeBytes }
  const destination = pino.destination({ dest: 1, ...shares, sync: false })
  const base = worker === undefined ? null : { worker }
  const log = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const timer = setInterval(() => destination.flush(), 500)
  timer.unref()
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error(fields, message) {
      log.error(fields, message)
      destination.flush()
    },
    flush: () => destination.flushSync(),
  }
}

/** What of an error goes into a log line. */
export function errorFields(error: unknown): { error: string; code?: unknown; stack?: string | undefined } {
  if (!(error instanceof Error)) return { error: String(error) }
  return { error: error.message, ...('code' in error && { code: error.code }), stack: error.stack }
}
