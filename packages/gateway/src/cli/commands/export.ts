import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { createSealer, loadSealingSecret } from '#catalog'
import { exportState } from '#config'
import { withStore } from '../with-store.ts'

interface ExportOptions {
  readonly withSecrets?: true
  readonly output?: string
}

export function define(command: Command): void {
  command
    .option('--with-secrets', 'write channel keys in clear instead of references to the environment')
    .option('-o, --output <path>', 'write to a file (mode 0600) instead of stdout')
    .addHelpText(
      'after',
      `
The output is what \`yumen apply -f\` takes; applied here it changes nothing. API keys and passwords are stored
as hashes and cannot be exported.

Examples:
  yumen export > yumen.yaml
  yumen export --with-secrets -o yumen.yaml`,
    )
    .action(exportToFile)
}

async function exportToFile({ withSecrets, output }: ExportOptions): Promise<void> {
  const text = await withStore(async ({ store, environment }) => {
    const sealer = withSecrets && createSealer(loadSealingSecret(environment))
    return exportState({
      db: await store.kysely(),
      now: Date.now(),
      openChannelKey: sealer ? sealed => sealer.open(sealed, 'channel-key') : undefined,
    })
  })
  if (output === undefined) process.stdout.write(text)
  else await writeFile(output, text, { mode: 0o600 })
}
