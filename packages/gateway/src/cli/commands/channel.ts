import type { Command } from 'commander'
import { findIdle, isSealedText, maskUserinfo, processEnvironment } from '#config'
import { addChannel } from '../add-channel.ts'
import { CliError } from '../cli-error.ts'
import { printFacts, printJson, printLine, printTable, printWarning } from '../output.ts'
import { findChannel, idlePartsOf, listChannels, listFingerprints } from '../queries.ts'
import { readSecretLine } from '../read-input.ts'
import { isoTime, readNames } from '../values.ts'
import { withStore } from '../with-store.ts'

interface JsonOption {
  readonly json?: true
}

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Examples:
  yumen channel add --name openai --provider openai --key-env OPENAI_API_KEY
  yumen channel list
  yumen channel disable openai`,
  )
  defineAdd(command.command('add').description('Add a channel to one provider account'))
  command
    .command('list')
    .description('List channels')
    .option('--json', 'print one JSON document')
    .action(list)
  command
    .command('show <name>')
    .description('Show one channel, by name or id')
    .option('--json', 'print one JSON document')
    .action(show)
  command
    .command('enable <name>')
    .description('Use a channel again')
    .option('--json', 'print one JSON document')
    .action((name: string, options: JsonOption) => setEnabled(name, { ...options, enabled: true }))
  command
    .command('disable <name>')
    .description('Send nothing to a channel')
    .option('--json', 'print one JSON document')
    .action((name: string, options: JsonOption) => setEnabled(name, { ...options, enabled: false }))
  command
    .command('remove <name>')
    .description('Remove a channel and its keys')
    .option('--json', 'print one JSON document')
    .action(remove)
}

function defineAdd(command: Command): void {
  command
    .requiredOption('--name <name>', 'what the channel is called')
    .requiredOption('--provider <id>', "a provider's id, or New API's channel type number")
    .option('--base-url <url>', "address of the upstream (the provider's)")
    .option('--key <key>', "the provider's key; others on this machine may see it in the list of processes")
    .option('--key-env <name>', 'the variable that holds the key')
    .option('--key-stdin', 'read the key from the first line of stdin')
    .option('--models <names>', "models, set off by commas (the provider's list)")
    .option('--groups <names>', 'groups that may use it, set off by commas', 'default')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Everything else of a channel (weights, mappings, settings) is set by \`yumen apply -f FILE\`.

Examples:
  yumen channel add --name openai --provider openai --key-env OPENAI_API_KEY
  yumen channel add --name local --provider openai-compatible --base-url http://127.0.0.1:8000 --key x --models q3`,
    )
    .action(add)
}

interface AddOptions extends JsonOption {
  readonly name: string
  readonly provider: string
  readonly baseUrl?: string
  readonly key?: string
  readonly keyEnv?: string
  readonly keyStdin?: true
  readonly models?: string
  readonly groups: string
}

async function add(options: AddOptions): Promise<void> {
  const { name, provider, baseUrl, json } = options
  const channel = await addChannel({
    name,
    provider,
    baseUrl,
    key: await readKey(options),
    models: options.models === undefined ? undefined : readNames(options.models),
    groups: readNames(options.groups),
  })
  if (json) printJson(channel)
  else printLine(`Added channel ${channel.name} to ${channel.provider} with ${channel.models.length} models.`)
}

async function readKey({ key, keyEnv, keyStdin }: AddOptions): Promise<string> {
  const given = [key, keyEnv, keyStdin].filter(one => one !== undefined).length
  if (given !== 1) throw new CliError('a channel needs exactly one of --key, --key-env and --key-stdin')
  if (key !== undefined) return key
  if (keyEnv === undefined) return readSecretLine('key')
  const value = processEnvironment()[keyEnv]
  if (value === undefined || value === '') throw new CliError(`--key-env: the variable ${keyEnv} is not set`)
  return value
}

async function list({ json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const channels = (await listChannels(await store.kysely())).map(contractOf)
    if (json) return printJson({ items: channels })
    printTable(
      channels,
      [
        { title: 'ID', value: channel => channel.id, isNumber: true },
        { title: 'NAME', value: channel => channel.name },
        { title: 'PROVIDER', value: channel => channel.provider },
        { title: 'ENABLED', value: channel => (channel.enabled ? 'yes' : 'no') },
        { title: 'PRIORITY', value: channel => channel.priority, isNumber: true },
        { title: 'WEIGHT', value: channel => channel.weight, isNumber: true },
        { title: 'GROUPS', value: channel => channel.groups.join(' ') },
        { title: 'MODELS', value: channel => shortList(channel.models) },
      ],
      'No channels yet. `yumen channel add` adds one.',
    )
  })
}

async function show(nameOrId: string, { json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const db = await store.kysely()
    const row = await findChannel(db, nameOrId)
    if (row === undefined)
      throw new CliError(`there is no channel ${nameOrId}: \`yumen channel list\` shows all`)
    const shown = { ...contractOf(row), keys: await listFingerprints(db, row.id) }
    for (const warning of findIdle({ channels: [idlePartsOf(row)] })) printWarning(warning)
    if (json) return printJson(shown)
    printFacts(
      Object.fromEntries(
        Object.entries(shown).map(([name, value]) => [
          name,
          value === null ? undefined : typeof value === 'object' ? JSON.stringify(value) : String(value),
        ]),
      ),
    )
  })
}

interface EnabledOptions extends JsonOption {
  readonly enabled: boolean
}

async function setEnabled(name: string, { enabled, json }: EnabledOptions): Promise<void> {
  await withStore(({ store }) => store.run('updateChannel', { name, enabled, now: Date.now() }))
  if (json) printJson({ name, enabled })
  else printLine(`Channel ${name} is ${enabled ? 'enabled' : 'disabled'}.`)
}

async function remove(name: string, { json }: JsonOption): Promise<void> {
  await withStore(({ store }) => store.run('removeChannel', { name, now: Date.now() }))
  if (json) printJson({ name, removed: true })
  else printLine(`Channel ${name} is removed.`)
}

type ChannelRow = NonNullable<Awaited<ReturnType<typeof findChannel>>>

/**
 * Printed data of a channel; its keys appear as fingerprints only. Values of header overrides may be secrets:
 * names only.
 */
function contractOf(row: ChannelRow) {
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    baseUrl: row.base_url,
    keyMode: row.key_mode,
    models: namesOf(row.models),
    groups: namesOf(row.groups),
    priority: row.priority,
    weight: row.weight,
    modelMapping: parsed(row.model_mapping),
    statusCodeMapping: parsed(row.status_code_mapping),
    paramOverride: parsed(row.param_override),
    headerOverride: row.header_override === null ? null : Object.keys(JSON.parse(row.header_override)),
    settings: withoutCredentials(JSON.parse(row.settings)),
    dialect: row.dialect,
    enabled: row.enabled !== 0,
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  }
}

/** The address of a proxy may hold a password: then its fingerprint stands for it. */
function withoutCredentials(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { proxy } = settings
  if (isSealedText(proxy)) return { ...settings, proxy: proxy.fingerprint }
  return typeof proxy === 'string' ? { ...settings, proxy: maskUserinfo(proxy) } : settings
}

function namesOf(json: string): readonly string[] {
  const value: unknown = JSON.parse(json)
  return Array.isArray(value) ? value.map(String) : []
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json)
}

function shortList(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(' ')} and ${names.length - 3} more` : names.join(' ')
}
