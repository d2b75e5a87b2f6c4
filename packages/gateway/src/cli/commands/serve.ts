import { type Command, Option } from 'commander'
import { type Environment, limits, processEnvironment, readEnvironment } from '#config'

export function define(command: Command): void {
  command
    .option('--port <number>', 'port to listen on (PORT, 3000)')
    .option('--host <address>', 'address to listen on (YUMEN_HOST, 0.0.0.0: all)')
    .option('--workers <number>', 'processes that serve on the one port (YUMEN_WORKERS, 1)')
    .addOption(new Option('--worker <number>', 'set by the parent: which worker this is').hideHelp())
    .addHelpText(
      'after',
      `
Stop it with SIGTERM or Ctrl-C: running streams may end first. A second signal ends it at once.
With several workers SIGHUP replaces one after another, without a failed request: each has the
time that its requests need. With one process SIGHUP stops it as SIGTERM does.

Examples:
  yumen serve
  yumen serve --port 8080 --host 127.0.0.1
  yumen serve --workers 4`,
    )
    .action(serve)
}

interface ServeOptions {
  readonly port?: string
  readonly host?: string
  readonly workers?: string
  readonly worker?: string
}

async function serve({ port, host, workers, worker }: ServeOptions): Promise<void> {
  const environment = readEnvironment({
    ...processEnvironment(),
    ...(port !== undefined && { PORT: port }),
    ...(host !== undefined && { YUMEN_HOST: host }),
    ...(workers !== undefined && { YUMEN_WORKERS: workers }),
  })
  if (worker !== undefined) return serveAsWorker(environment, Number(worker))
  if (environment.workers > 1) return serveAsParent(environment)
  const gateway = await import('../../main.ts')
  await gateway.serve(environment)
}

async function serveAsWorker(environment: Environment, number: number): Promise<void> {
  const { connectToParent } = await import('#workers')
  const link = connectToParent({ number, limits })
  try {
    const gateway = await import('../../main.ts')
    await gateway.serve(environment, link)
  } catch (error) {
    link.close()
    // Whatever its start had opened by then keeps no worker that nobody watches over any more.
    setTimeout(() => process.exit(1), failedStartMsMax).unref()
    throw error
  }
}

/** Time to say why. */
const failedStartMsMax = 1_000

/** Loads nothing of the gateway itself: it accepts connections and watches over those who serve. */
async function serveAsParent(environment: Environment): Promise<void> {
  const [{ runWorkers }, { createLog }] = await Promise.all([import('#workers'), import('#telemetry')])
  const log = createLog(environment.logLevel)
  try {
    const exitCode = await runWorkers({
      count: environment.workers,
      port: environment.port,
      host: environment.host,
      limits,
      log,
      clock: () => performance.now(),
    })
    process.exit(exitCode)
  } finally {
    log.flush()
  }
}
