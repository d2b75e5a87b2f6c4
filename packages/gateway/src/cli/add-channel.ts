import { findProvider } from '@yumen/providers'
import { readDeclarativeFile, readEnvironment } from '#config'
import { openStoreAt } from '#store'
import { CliError } from './cli-error.ts'
import { filePartsOf } from './file-parts.ts'
import { printWarning } from './output.ts'
import { findChannel } from './queries.ts'

export interface NewChannel {
  readonly name: string
  readonly provider: string
  readonly baseUrl: string | undefined
  readonly key: string
  readonly models: readonly string[] | undefined
  readonly groups: readonly string[]
}

export interface AddedChannel {
  readonly id: number
  readonly name: string
  readonly provider: string
  readonly models: readonly string[]
}

/**
 * Adds a channel by the way of `apply`: the same checks as a declarative file of one channel. Refuses a name
 * that there is, so that nobody changes a channel by accident.
 */
export async function addChannel(channel: NewChannel): Promise<AddedChannel> {
  const environment = readEnvironment()
  const store = await openStoreAt(environment.store, { migrate: true })
  try {
    const reading = await readDeclarativeFile({
      ...filePartsOf(environment, async () => store),
      text: JSON.stringify({ apiVersion: 'yumen/v1', channels: [describe(channel)] }),
      fileName: 'channel add',
      source: 'cli',
      folder: process.cwd(),
      env: { key: channel.key },
    })
    if (reading.kind === 'issues') {
      throw new CliError(
        reading.issues
          .map(({ path, found, allowed }) => `${optionOf(path)}: found ${found}, allowed: ${allowed}`)
          .join('\n'),
      )
    }
    if ((await findChannel(await store.kysely(), channel.name))?.name === channel.name) {
      throw new CliError(
        `there is a channel ${channel.name} already: remove it first, or change it by \`yumen apply\``,
      )
    }
    for (const warning of reading.warnings) printWarning(warning)
    await store.run('applyState', { desired: reading.desired, prune: false, dryRun: false, now: Date.now() })
    const row = await findChannel(await store.kysely(), channel.name)
    if (row === undefined) throw new Error(`channel ${channel.name} was added and is not there`)
    return { id: row.id, name: row.name, provider: row.provider, models: JSON.parse(row.models) }
  } finally {
    await store.close()
  }
}

function describe({ name, provider, baseUrl, models, groups }: NewChannel) {
  const known = findProvider(/^\d+$/.test(provider) ? Number(provider) : provider)
  return { name, provider, baseUrl, keys: [{ env: 'key' }], models: models ?? known?.models ?? [], groups }
}

/** `channels[0].baseUrl` is `--base-url` here. */
function optionOf(path: string): string {
  const member = path.split('.')[1]?.replace(/\[.*/, '')
  if (member === undefined) return path
  return `--${member === 'keys' ? 'key' : member.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}
