import { existsSync } from 'node:fs'
import { ConfigError, type Environment, findIdle, optionRegistry, resolveOptions } from '#config'
import { describePolicy } from '#outbound'
import { migrationStatus, openStoreAt, type Store, StoreError } from '#store'
import { countAll, idlePartsOf, listApiKeys, listChannels } from '../queries.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { checkSeals } from './seals.ts'

export async function checkStore(environment: Environment): Promise<readonly Check[]> {
  const { store: location } = environment
  if (location.kind === 'sqlite' && !existsSync(location.path)) {
    return [ok('store', `SQLite, ${location.path} is not there yet: it is made at the first start`)]
  }
  let store: Store
  try {
    store = await openStoreAt(environment.store, { migrate: false })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const advice =
      location.kind === 'sqlite' ? `look at ${location.path}` : 'look at SQL_DSN, the network and the server'
    return [fail('store', error.message, advice)]
  }
  try {
    return await checkContent(store, environment)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return [fail('store', error.message, 'look at the database')]
  } finally {
    await store.close()
  }
}

async function checkContent(store: Store, environment: Environment): Promise<readonly Check[]> {
  const { store: location, optionDefaults } = environment
  const name = location.kind === 'sqlite' ? `SQLite, ${location.path}` : 'PostgreSQL'
  const { current, pending } = await migrationStatus(store)
  const head = ok('store', `${name} answers`)
  if (pending.length > 0) {
    return [
      head,
      warn(
        'schema',
        `version ${current}, pending: ${pending.join(', ')}`,
        'yumen migrate, or start the gateway',
      ),
    ]
  }
  return [
    head,
    ok('schema', `version ${current}`),
    await checkCounts(store),
    await checkSeals(store, environment),
    ...(await checkOptions(store, optionDefaults)),
    ...(await checkIdle(store)),
    await checkNodes(store),
  ]
}

async function checkCounts(store: Store): Promise<Check> {
  const { users, apiKeys, channels, channelsEnabled, prices } = await countAll(await store.kysely())
  const ofChannels = `${channels} channels (${channelsEnabled} enabled)`
  const found = `${users} users, ${apiKeys} API keys, ${ofChannels}, ${prices} prices`
  if (channelsEnabled === 0)
    return warn('configuration', found, 'yumen channel add --name N --provider P --key-env NAME')
  if (apiKeys === 0) return warn('configuration', found, 'yumen key add --user U --name N')
  return ok('configuration', found)
}

async function checkOptions(
  store: Store,
  defaults: Environment['optionDefaults'],
): Promise<readonly Check[]> {
  const rows = await (await store.kysely()).selectFrom('options').select(['key', 'value']).execute()
  let fetches: readonly Check[]
  try {
    fetches = describePolicy(resolveOptions(rows, defaults)).map(line =>
      warn('fetches', line, 'look at the options fetch.*'),
    )
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [fail('options', error.message.replaceAll('\n', '; '), 'correct them by yumen apply')]
  }
  const planned: readonly string[] = Object.entries(optionRegistry).flatMap(([key, definition]) =>
    'isPlanned' in definition ? [key] : [],
  )
  const idle = rows.filter(({ key }) => planned.includes(key)).map(({ key }) => key)
  if (idle.length === 0) return [ok('options', `${rows.length} set`), ...fetches]
  return [
    warn('options', `${idle.join(', ')}: kept, without effect yet`, 'nothing needs to be done'),
    ...fetches,
  ]
}

const idleShownMax = 20

/** What is set and has no effect yet, a line each. */
async function checkIdle(store: Store): Promise<readonly Check[]> {
  const db = await store.kysely()
  const apiKeys = await listApiKeys(db)
  const lines = findIdle({
    apiKeys: apiKeys.map(({ username: user, name, rate_limit, body_logging }) => ({
      user,
      name,
      rateLimit: rate_limit,
      bodyLogging: body_logging !== 0,
    })),
    channels: (await listChannels(db)).map(idlePartsOf),
  })
  const more = lines.length - idleShownMax
  const shown = lines.slice(0, idleShownMax)
  if (more > 0) shown.push(`${more} more are kept but have no effect in this version yet`)
  return shown.map(line => warn('no effect', line, 'do not rely on it'))
}

/** Nodes, and the clock: a heartbeat that is promised for long after now was written by another time. */
async function checkNodes(store: Store): Promise<Check> {
  const nodes = await (await store.kysely()).selectFrom('nodes').select(['id', 'heartbeat_until']).execute()
  const now = Date.now()
  const newest = Math.max(0, ...nodes.map(node => node.heartbeat_until))
  if (newest > now + 10 * 60_000) {
    return warn(
      'clock',
      `a node has a heartbeat until ${new Date(newest).toISOString()}`,
      'set the clocks of all machines by NTP',
    )
  }
  const live = nodes.filter(node => node.heartbeat_until > now).length
  return ok('nodes', `${live} live, ${nodes.length - live} to be adopted`)
}
