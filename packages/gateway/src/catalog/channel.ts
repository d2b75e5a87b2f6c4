import type { DialectName } from '@yumen/protocol'
import { dialectNames } from '@yumen/protocol'
import { findProvider, type Provider, resolveBaseUrl } from '@yumen/providers'
import { isSealedText, type Options } from '#config'
import { type Overrides, readOverrides } from '#overrides'
import type { ChannelKeyRow, ChannelRow } from './queries.ts'
import { SealError, type Sealer } from './sealing.ts'

export interface ChannelKey {
  readonly position: number
  readonly secret: string
  readonly fingerprint: string
}

/** How long an attempt may take, milliseconds: the options, each overridden by the channel's setting of the same name. */
export interface TimeLimits {
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly pingIntervalMs: number
  readonly retryTimes: number
}

/** A stored way to one provider account, ready to be used. Immutable. */
export interface Channel {
  readonly id: number
  readonly revision: number
  readonly name: string
  readonly provider: Provider
  /** The channel's own or the provider's, cleaned, without a slash at the end. */
  readonly baseUrl: string
  readonly keys: readonly ChannelKey[]
  readonly keyMode: 'random' | 'polling'
  readonly models: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  readonly priority: number
  readonly weight: number
  readonly modelMapping: ReadonlyMap<string, string>
  readonly settings: Readonly<Record<string, unknown>>
  /** When set, the only dialect that is spoken to it. */
  readonly dialect: DialectName | undefined
  readonly isEnabled: boolean
  readonly timeLimits: TimeLimits
  /** What it changes about requests; most channels change nothing. */
  readonly overrides: Overrides | undefined
  readonly ceilings: Ceilings
}

/** What the operator allows a channel: at it the channel yields before its upstream refuses. */
export interface Ceilings {
  readonly concurrencyMax: number | undefined
  readonly requestsPerMinuteMax: number | undefined
}

/** A stored channel that cannot be used as it is: one line in the log, which names it; so it has no stack. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    delete this.stack
  }
}

const timeLimitNames = [
  'connectTimeoutMs',
  'firstByteTimeoutMs',
  'idleTimeoutMs',
  'totalTimeoutMs',
  'pingIntervalMs',
  'retryTimes',
] as const satisfies readonly (keyof TimeLimits)[]

interface ChannelParts {
  readonly options: Options
  readonly sealer: Sealer
  /** Keys of the channel that do not open. */
  readonly onBroken: (error: Error) => void
}

/** Rows of the store → a channel. @throws ChannelError */
export function readChannel(
  row: ChannelRow,
  keys: readonly ChannelKeyRow[],
  { options, sealer, onBroken }: ChannelParts,
): Channel {
  const provider = findProvider(row.provider)
  if (provider === undefined)
    throw new ChannelError(`channel ${row.name}: there is no provider '${row.provider}'`)
  if (provider.unavailable !== undefined)
    throw new ChannelError(`channel ${row.name}: ${provider.unavailable}`)
  const report = (error: SealError) => {
    onBroken(new ChannelError(`channel ${row.name}: ${error.message}`, { cause: error }))
  }
  const opened = openSettings(row, sealer, report)
  const { settings } = opened
  return {
    id: row.id,
    revision: row.revision,
    name: row.name,
    provider,
    baseUrl: findBaseUrl(row, provider),
    // Without its proxy or its credentials a channel must not be asked: it is there, and lacks its keys.
    keys: opened.isWhole ? openKeys(keys, sealer, report) : [],
    keyMode: row.key_mode,
    models: new Set(readStrings(row.models)),
    groups: new Set(readStrings(row.groups)),
    priority: row.priority,
    weight: row.weight,
    modelMapping: new Map(
      Object.entries(readObject(row.model_mapping)).map(([from, to]) => [from, String(to)]),
    ),
    settings,
    dialect: dialectNames.find(name => name === row.dialect),
    isEnabled: row.enabled !== 0,
    timeLimits: readTimeLimits(options, settings),
    ceilings: {
      concurrencyMax: numberAt(settings, 'concurrencyMax'),
      requestsPerMinuteMax: numberAt(settings, 'requestsPerMinuteMax'),
    },
    overrides: findOverrides(row, opened, options),
  }
}

/**
 * Keys that do not open are left out, the channel is not: whoever asks for its models is told that they lack a key, not
 * that they are unknown. Only the first refusal is reported, for all have the same reason.
 */
function openKeys(
  rows: readonly ChannelKeyRow[],
  sealer: Sealer,
  onSealed: (error: SealError) => void,
): readonly ChannelKey[] {
  let refusal: SealError | undefined
  const keys = rows.flatMap(({ position, sealed, fingerprint }): readonly ChannelKey[] => {
    try {
      return [{ position, secret: sealer.open(sealed, 'channel-key'), fingerprint }]
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      refusal ??= error
      return []
    }
  })
  if (refusal !== undefined) onSealed(refusal)
  return keys
}

interface OpenedSettings {
  readonly settings: Readonly<Record<string, unknown>>
  readonly headerOverride: Readonly<Record<string, unknown>>
  /** Whether all that is sealed in them opens; what does not is left out. */
  readonly isWhole: boolean
}

function openSettings(row: ChannelRow, sealer: Sealer, onSealed: (error: SealError) => void): OpenedSettings {
  let refusal: SealError | undefined
  const open = (members: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(members).flatMap(([name, value]): readonly [string, unknown][] => {
        if (!isSealedText(value)) return [[name, value]]
        try {
          return [[name, sealer.open(value.sealed, 'channel-key')]]
        } catch (error) {
          if (!(error instanceof SealError)) throw error
          refusal ??= error
          return []
        }
      }),
    )
  const settings = open(readObject(row.settings))
  const headerOverride = open(readObject(row.header_override))
  if (refusal !== undefined) onSealed(refusal)
  return { settings, headerOverride, isWhole: refusal === undefined }
}

/** Limits of the options alone, for what happens before a channel is known. */
export function readTimeLimits(
  options: Options,
  settings: Readonly<Record<string, unknown>> = {},
): TimeLimits {
  const entries = timeLimitNames.map(name => {
    const own = settings[name]
    return [name, typeof own === 'number' ? own : options[`relay.${name}`]]
  })
  return Object.fromEntries(entries)
}

function findBaseUrl(row: ChannelRow, provider: Provider): string {
  const url = resolveBaseUrl(provider, row.base_url ?? undefined)
  if (url === undefined)
    throw new ChannelError(`channel ${row.name}: a ${provider.name} channel needs a baseUrl`)
  return url
}

function numberAt(settings: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = settings[name]
  return typeof value === 'number' ? value : undefined
}

/** What an earlier version or an import stored may be malformed: then the channel is left out, never sent half of it. */
function findOverrides(
  row: ChannelRow,
  { settings, headerOverride }: OpenedSettings,
  options: Options,
): Overrides | undefined {
  const reading = readOverrides({
    statusCodeMapping: readObject(row.status_code_mapping),
    paramOverride: readObject(row.param_override),
    headerOverride,
    settings,
    passesThrough: options['global.pass_through_request_enabled'],
  })
  if (reading.kind === 'overrides') return reading.overrides
  const [first] = reading.issues
  throw new ChannelError(
    `channel ${row.name}: ${first?.path.join('.')} is malformed; allowed: ${first?.allowed}`,
  )
}

function readStrings(json: string): string[] {
  const value: unknown = JSON.parse(json)
  return Array.isArray(value) ? value.map(String) : []
}

function readObject(json: string | null): Readonly<Record<string, unknown>> {
  return json === null ? {} : JSON.parse(json)
}
