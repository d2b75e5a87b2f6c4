import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { createSealer, loadSealingSecret } from '#catalog'
import { exportState } from '#config'
import { printJson, printWarning } from '../output.ts'
import { withStore } from '../with-store.ts'

interface ExportOptions {
  readonly withSecrets?: true
  readonly output?: string
  readonly json?: true
}

export function define(command: Command): void {
  command
    .option(
      '--with-secrets',
      'write credentials of channels in clear instead of references to the environment',
    )
    .option('-o, --output <path>', 'write to a file (mode 0600) instead of stdout')
    .option('--json', 'print one JSON document: the state, or with --output what was written')
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

async function exportToFile({ withSecrets, output, json }: ExportOptions): Promise<void> {
  const { content, leftOut, yaml } = await withStore(async ({ store, environment }) => {
    const sealer = withSecrets && createSealer(loadSealingSecret(environment))
    return exportState({
      db: await store.kysely(),
      now: Date.now(),
      openChannelKey: sealer ? sealed => sealer.open(sealed, 'channel-key') : undefined,
    })
  })
  if (output !== undefined) {
    await writeFile(output, yaml, { mode: 0o600 })
    if (json) printJson({ output, withSecrets: withSecrets ?? false, leftOut })
    return
  }
  if (!json) {
    process.stdout.write(yaml)
    return
  }
  printJson(content)
  for (const what of leftOut) printWarning(`left out, because another has its name: ${what}`)
}
