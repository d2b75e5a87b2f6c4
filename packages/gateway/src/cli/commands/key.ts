import type { Command } from 'commander'
import { isCidr, keyEndpoints } from '#config'
import { hashApiKey, hintOf, makeApiKey } from '#identity'
import { type Store, StoreError } from '#store'
import { CliError } from '../cli-error.ts'
import { printFacts, printJson, printLine, printTable } from '../output.ts'
import { type ApiKeyLine, findApiKey, listApiKeys } from '../queries.ts'
import { isoTime, oneOf, readId, readNames, readTime, readUsd, shortUsd, usd } from '../values.ts'
import { withStore } from '../with-store.ts'

interface JsonOption {
  readonly json?: true
}

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Examples:
  yumen key add --user alice --name laptop
  yumen key list --user alice
  yumen key disable 1000001`,
  )
  defineAdd(command.command('add').description('Make an API key; it is printed once'))
  command
    .command('list')
    .description('List API keys')
    .option('--user <name>', 'of this user only')
    .option('--json', 'print one JSON document')
    .action(list)
  command
    .command('show <id>')
    .description('Show one API key')
    .option('--json', 'print one JSON document')
    .action(show)
  command
    .command('enable <id>')
    .description('Let a key in again')
    .option('--json', 'print one JSON document')
    .action((id: string, options: JsonOption) => setStatus(id, { ...options, status: 'enabled' }))
  command
    .command('disable <id>')
    .description('Refuse a key')
    .option('--json', 'print one JSON document')
    .action((id: string, options: JsonOption) => setStatus(id, { ...options, status: 'disabled' }))
  command
    .command('remove <id>')
    .description('Remove a key; its requests and charges stay')
    .option('--json', 'print one JSON document')
    .action(remove)
}

function defineAdd(command: Command): void {
  command
    .option('--user <name>', 'who pays (root, which is made when there is none)')
    .requiredOption('--name <name>', 'what it is for; unique for the user')
    .option('--models <names>', 'models it may use, set off by commas; patterns like claude-* too (all)')
    .option('--deny-models <names>', 'models it may not use, likewise (none)')
    .option('--endpoints <names>', `what it may ask: ${keyEndpoints.join(', ')} (all)`)
    .option('--allow-ips <ranges>', 'addresses it may come from, like 10.0.0.0/8 (all)')
    .option('--limit <usd>', 'what it may spend in all (no limit)')
    .option('--expires <time>', 'when it ends, like 2027-01-01 (never)')
    .option('--group <name>', "pricing group (the user's)")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  yumen key add --name laptop
  yumen key add --user alice --name ci --models gpt-4o,claude-* --limit 5 --expires 2027-01-01
  yumen key add --name agent --endpoints chat,responses --allow-ips 10.0.0.0/8

Rate limits of a key stand in the declarative file: yumen apply --help`,
    )
    .action(add)
}

interface AddOptions extends JsonOption {
  readonly user?: string
  readonly name: string
  readonly models?: string
  readonly denyModels?: string
  readonly endpoints?: string
  readonly allowIps?: string
  readonly limit?: string
  readonly expires?: string
  readonly group?: string
}

async function add({
  user = rootName,
  name,
  models,
  denyModels,
  endpoints,
  allowIps,
  limit,
  expires,
  group,
  json,
}: AddOptions): Promise<void> {
  const key = makeApiKey()
  const row = {
    username: user,
    name: readKeyName(name),
    hash: hashApiKey(key),
    hint: hintOf(key),
    group,
    models: models === undefined ? undefined : readNames(models),
    denyModels: denyModels === undefined ? undefined : readNames(denyModels),
    endpoints: endpoints === undefined ? undefined : readEndpoints(endpoints),
    allowIps: allowIps === undefined ? undefined : readRanges(allowIps),
    limit: limit === undefined ? undefined : readUsd(limit, '--limit'),
    expiresAt: expires === undefined ? undefined : readTime(expires, '--expires'),
  }
  const { id } = await withStore(async ({ store }) => {
    if (user === rootName) await makeRoot(store)
    return store.run('createApiKey', { ...row, now: Date.now() })
  })
  if (json) return printJson({ id, user, name, key })
  printLine(key)
  process.stderr.write(`API key ${id} of ${user}. It is shown only now: keep it.\n`)
}

function readEndpoints(text: string): readonly string[] {
  return readNames(text).map(name => oneOf(name, keyEndpoints, '--endpoints'))
}

function readRanges(text: string): readonly string[] {
  const ranges = readNames(text)
  const wrong = ranges.find(range => !isCidr(range))
  if (wrong === undefined) return ranges
  throw new CliError(`--allow-ips: found ${wrong}, allowed: IP addresses or ranges like 10.0.0.0/8`)
}

const rootName = 'root'

/** One who runs Yumen for himself needs no user: his own is tracked, so nothing is refused for money. */
async function makeRoot(store: Store): Promise<void> {
  const root = {
    username: rootName,
    role: 'root',
    group: 'default',
    passwordHash: undefined,
    balance: 'unlimited',
  } as const
  try {
    await store.run('createUser', { ...root, now: Date.now() })
    process.stderr.write('Made the user root, without a password.\n')
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'not_unique')) throw error
  }
}

async function list({ user, json }: JsonOption & { readonly user?: string }): Promise<void> {
  await withStore(async ({ store }) => {
    const keys = await listApiKeys(await store.kysely(), user)
    if (json) return printJson({ items: keys.map(contractOf) })
    printTable(
      keys,
      [
        { title: 'ID', value: key => key.id, isNumber: true },
        { title: 'USER', value: key => key.username },
        { title: 'NAME', value: key => key.name },
        { title: 'KEY', value: key => key.hint },
        { title: 'STATUS', value: key => key.status },
        { title: 'SPENT USD', value: key => shortUsd(key.spent_nusd), isNumber: true },
        {
          title: 'LIMIT USD',
          value: key => (key.limit_nusd === null ? undefined : shortUsd(key.limit_nusd)),
          isNumber: true,
        },
        { title: 'EXPIRES', value: key => (key.expires_at === null ? undefined : isoTime(key.expires_at)) },
      ],
      'No API keys yet. `yumen key add --user NAME --name NAME` makes one.',
    )
  })
}

async function show(id: string, { json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const key = await findApiKey(await store.kysely(), readId(id, 'key'))
    if (key === undefined) throw new CliError(`there is no API key ${id}: \`yumen key list\` shows all`)
    const shown = contractOf(key)
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

interface StatusOptions extends JsonOption {
  readonly status: 'enabled' | 'disabled'
}

async function setStatus(text: string, { status, json }: StatusOptions): Promise<void> {
  const id = readId(text, 'key')
  await withStore(({ store }) => store.run('updateApiKey', { id, status, now: Date.now() }))
  if (json) printJson({ id, status })
  else printLine(`API key ${id} is ${status}.`)
}

async function remove(text: string, { json }: JsonOption): Promise<void> {
  const id = readId(text, 'key')
  await withStore(({ store }) => store.run('removeApiKey', { id, now: Date.now() }))
  if (json) printJson({ id, removed: true })
  else printLine(`API key ${id} is removed.`)
}

/** Printed data of a key: `null` means no restriction. */
function contractOf(key: ApiKeyLine) {
  return {
    id: key.id,
    user: key.username,
    name: key.name,
    hint: key.hint,
    status: key.status,
    group: key.group_name,
    models: listOf(key.models),
    denyModels: listOf(key.deny_models),
    endpoints: listOf(key.endpoints),
    allowIps: listOf(key.allow_ips),
    limit: key.limit_nusd === null ? null : usd(key.limit_nusd),
    spent: usd(key.spent_nusd),
    rateLimit: listOf(key.rate_limit),
    bodyLogging: key.body_logging !== 0,
    expiresAt: key.expires_at === null ? null : isoTime(key.expires_at),
    createdAt: isoTime(key.created_at),
  }
}

function listOf(json: string | null): unknown {
  return json === null ? null : JSON.parse(json)
}

function readKeyName(name: string): string {
  if (/^[^\p{Cc}]{1,255}$/u.test(name) && name.trim() === name) return name
  throw new CliError(
    `--name: found ${JSON.stringify(name)}, allowed: 1 to 255 characters without spaces around them`,
  )
}
