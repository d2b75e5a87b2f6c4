import type { Command } from 'commander'
import { listRequests, type RequestEntry, type RequestFilter } from '#analytics'
import type { Db } from '#store'
import { CliError } from '../cli-error.ts'
import { printFacts, printJson, printNote, printTable } from '../output.ts'
import { findChannel, findUser } from '../queries.ts'
import { findRequestShown, printAttempts, type ShownRequest, showRequests } from '../requests.ts'
import { isoTime, readId, readTime } from '../values.ts'
import { withStore } from '../with-store.ts'

interface JsonOption {
  readonly json?: true
}

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Examples:
  yumen requests list --user alice --since 2h
  yumen requests show 01JZ8M3C9F4T2Q7R5V0W6X1Y2Z --json`,
  )
  defineList(command.command('list').description('List requests, newest first'))
  command
    .command('show <id>')
    .description('Show one request; its id is the header x-request-id')
    .option('--json', 'print one JSON document')
    .action(show)
}

function defineList(command: Command): void {
  command
    .option('--user <name>', "of this user's account")
    .option('--key <id>', 'by this API key')
    .option('--model <name>', 'for this model, as the client named it')
    .option('--channel <name>', 'answered by this channel, by name or id')
    .option('--class <class>', 'ok, client_gone or an error class')
    .option('--since <time>', 'arrived from then on: 2027-01-01, 2027-01-01T12:00:00Z, or 15m, 2h, 7d ago')
    .option('--until <time>', 'arrived before then')
    .option('--limit <number>', 'how many, 1 to 1000', '20')
    .option('--after <id>', 'go on after this request: `next` of the page before')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  yumen requests list --class upstream_error --since 1d
  yumen requests list --json --limit 1000 > page.json`,
    )
    .action(list)
}

interface ListOptions extends JsonOption {
  readonly user?: string
  readonly key?: string
  readonly model?: string
  readonly channel?: string
  readonly class?: string
  readonly since?: string
  readonly until?: string
  readonly limit: string
  readonly after?: string
}

async function list(options: ListOptions): Promise<void> {
  const limit = readLimit(options.limit)
  await withStore(async ({ store }) => {
    const db = await store.kysely()
    const filter = await readFilter(db, options)
    const { entries, next, scannedTo } = await collect(db, { filter, limit, after: options.after })
    const items = await showRequests(db, entries)
    const end = scannedTo === undefined ? null : isoTime(scannedTo)
    if (options.json) return printJson({ items, next: next ?? null, scannedTo: end })
    printRequests(items)
    if (next !== undefined) printNote(`Seen back to ${end}. More: --after ${next}`)
  })
}

interface Collection {
  readonly filter: RequestFilter
  readonly limit: number
  readonly after: string | undefined
}

const patienceMs = 10_000

/** A page that a scan left half empty is filled by the next scans, for ten seconds at most. */
async function collect(db: Db, { filter, limit, after }: Collection) {
  const until = performance.now() + patienceMs
  const entries: RequestEntry[] = []
  let page = await listRequests(db, { ...filter, limit, after })
  entries.push(...page.items)
  while (entries.length < limit && page.next !== undefined && performance.now() < until) {
    page = await listRequests(db, { ...filter, limit: limit - entries.length, after: page.next })
    entries.push(...page.items)
  }
  return { entries, next: page.next, scannedTo: page.scannedTo }
}

async function show(id: string, { json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const shown = await findRequestShown(await store.kysely(), id)
    if (json) return printJson(shown)
    printRequest(shown)
  })
}

function printRequests(items: readonly ShownRequest[]): void {
  printTable(
    items,
    [
      { title: 'REQUEST', value: item => item.requestId },
      { title: 'TIME', value: item => item.time },
      { title: 'USER', value: item => item.user ?? undefined },
      { title: 'MODEL', value: item => item.model },
      { title: 'CHANNEL', value: item => item.channel ?? undefined },
      { title: 'CLASS', value: item => item.class },
      { title: 'TRIES', value: item => item.attempts.length, isNumber: true },
      { title: 'IN', value: item => item.usage?.input, isNumber: true },
      { title: 'OUT', value: item => item.usage?.output, isNumber: true },
      { title: 'USD', value: item => item.charge ?? undefined, isNumber: true },
      { title: 'MS', value: item => item.timings.ended, isNumber: true },
    ],
    'No requests.',
  )
}

function printRequest(shown: ShownRequest): void {
  const { attempts, usage, timings, warnings, passedOver, ...facts } = shown
  printFacts({
    ...Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name, value === null ? undefined : String(value)]),
    ),
    usage: usage === null ? undefined : JSON.stringify(usage),
    timings: JSON.stringify(timings),
    passedOver:
      passedOver.length === 0
        ? undefined
        : passedOver.map(each => `${each.channel} (${each.reason})`).join(', '),
    warnings: warnings.length === 0 ? undefined : warnings.join('; '),
  })
  printAttempts(attempts)
}

async function readFilter(db: Db, options: ListOptions): Promise<RequestFilter> {
  const { key, model, since, until } = options
  return {
    accountId: options.user === undefined ? undefined : await accountOf(db, options.user),
    apiKeyId: key === undefined ? undefined : readId(key, 'key'),
    model,
    channelId: options.channel === undefined ? undefined : await channelIdOf(db, options.channel),
    class: options.class,
    since: since === undefined ? undefined : readMoment(since, '--since'),
    until: until === undefined ? undefined : readMoment(until, '--until'),
  }
}

async function accountOf(db: Db, username: string): Promise<number> {
  const user = await findUser(db, username)
  if (user === undefined)
    throw new CliError(`--user: there is no user ${username}: \`yumen user list\` shows all`)
  return user.account_id
}

/** A channel that is removed is still found by its id. */
async function channelIdOf(db: Db, nameOrId: string): Promise<number> {
  const channel = await findChannel(db, nameOrId)
  if (channel !== undefined) return channel.id
  if (/^\d{1,15}$/.test(nameOrId)) return Number(nameOrId)
  throw new CliError(`--channel: there is no channel ${nameOrId}: \`yumen channel list\` shows all`)
}

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A time, or a span before now. */
function readMoment(text: string, option: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (unit === 'm' || unit === 'h' || unit === 'd') return Date.now() - Number(count) * units[unit]
  return readTime(text, option)
}

function readLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 1_000) return limit
  throw new CliError(`--limit: found ${JSON.stringify(text)}, allowed: a whole number from 1 to 1000`)
}
