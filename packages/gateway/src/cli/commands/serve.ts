import type { Command } from 'commander'
import { processEnvironment, readEnvironment } from '#config'

export function define(command: Command): void {
  command
    .option('--port <number>', 'port to listen on (PORT, 3000)')
    .option('--host <address>', 'address to listen on (YUMEN_HOST, 0.0.0.0: all)')
    .addHelpText(
      'after',
      `
Stop it with SIGTERM or Ctrl-C: running streams may end first. A second signal ends it at once.

Examples:
  yumen serve
  yumen serve --port 8080 --host 127.0.0.1`,
    )
    .action(serve)
}

async function serve({ port, host }: { readonly port?: string; readonly host?: string }): Promise<void> {
  const environment = readEnvironment({
    ...processEnvironment(),
    ...(port !== undefined && { PORT: port }),
    ...(host !== undefined && { YUMEN_HOST: host }),
  })
  const gateway = await import('../../main.ts')
  await gateway.serve(environment)
}
