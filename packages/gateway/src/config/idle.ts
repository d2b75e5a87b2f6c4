import { optionRegistry } from './options.ts'

/** What a declarative file or the store holds, as far as parts of it may have no effect yet. */
interface Configured {
  readonly apiKeys?: readonly {
    readonly user: string
    readonly name: string
    readonly bodyLogging: unknown
  }[]
  readonly channels?: readonly {
    readonly name: string
    readonly settings: Readonly<Record<string, unknown>> | undefined
  }[]
  readonly options?: readonly { readonly key: string }[]
}

/** Settings of New API that are accepted so that its channels can move in unchanged; nothing reads them yet. */
const idleSettings: ReadonlySet<string> = new Set([
  'vertex_key_type',
  'aws_key_type',
  'openrouter_enterprise',
  'upstream_model_update_check_enabled',
  'upstream_model_update_auto_sync_enabled',
  'upstream_model_update_last_check_time',
  'upstream_model_update_last_detected_models',
  'upstream_model_update_last_removed_models',
  'upstream_model_update_ignored_models',
])

/** One line for each member, setting and option that is stored and that nothing reads. */
export function findIdle({ apiKeys = [], channels = [], options = [] }: Configured): readonly string[] {
  return [
    ...apiKeys.flatMap(({ user, name, bodyLogging }) =>
      saying({ bodyLogging }).map(member => `API key ${user}/${name}: ${member}`),
    ),
    ...channels.flatMap(channel =>
      idleInChannel(channel).map(member => `channel ${channel.name}: ${member}`),
    ),
    ...options.filter(({ key }) => isPlanned(key)).map(({ key }) => `option ${key}`),
  ].map(what => `${what} is kept but has no effect in this version yet`)
}

interface Bypassable {
  readonly name: string
  readonly modelMapping: unknown
  readonly paramOverride: unknown
  readonly settings: Readonly<Record<string, unknown>> | undefined
}

/** One line for each member that a channel's own pass-through keeps from the body. */
export function findBypassed(channels: readonly Bypassable[]): readonly string[] {
  return channels.flatMap(({ name, modelMapping, paramOverride, settings }) => {
    if (settings?.['pass_through_body_enabled'] !== true) return []
    const { system_prompt } = settings
    const bypassed = [
      ...saying({ paramOverride, 'settings.system_prompt': system_prompt }).map(
        member => `${member} has no effect`,
      ),
      ...saying({ modelMapping }).map(member => `${member} counts in the address alone, never in the body`),
    ]
    return bypassed.map(what => `channel ${name}: ${what}, beside settings.pass_through_body_enabled`)
  })
}

type ChannelParts = NonNullable<Configured['channels']>[number]

function idleInChannel({ settings = {} }: ChannelParts) {
  return saying(settings)
    .filter(name => idleSettings.has(name))
    .map(name => `settings.${name}`)
}

function isPlanned(key: string): boolean {
  return Object.entries(optionRegistry).some(([name, option]) => name === key && 'isPlanned' in option)
}

/** Names of the members that ask for something: what is off or empty misses nothing. */
function saying(members: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const isEmptyObject = typeof value === 'object' && value !== null && Object.keys(value).length === 0
    const isSilent = value === undefined || value === null || value === false || value === '' || isEmptyObject
    return isSilent ? [] : [name]
  })
}
