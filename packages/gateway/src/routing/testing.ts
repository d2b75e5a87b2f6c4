import { findProvider } from '@yumen/providers'
import type { Channel, Snapshot } from '#catalog'
import { resolveOptions } from '#config'
import type { HealthReport } from './health.ts'
import { createRouting } from './routing.ts'
import type { RouteAsk, Routing } from './types.ts'

/** For tests of routing: channels without a store, a clock that is turned by hand. */

/** mulberry32 */
export function createSeeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface ChannelWish extends Partial<Omit<Channel, 'keys' | 'provider' | 'id'>> {
  readonly id: number
  readonly provider?: string
  readonly keys?: number
}

const timeLimits = {
  connectTimeoutMs: 1,
  firstByteTimeoutMs: 1,
  idleTimeoutMs: 1,
  totalTimeoutMs: 1,
  pingIntervalMs: 1,
  retryTimes: 1,
}

function channelOf({ id, provider = 'openai', keys = 1, ...wishes }: ChannelWish): Channel {
  const found = findProvider(provider)
  if (found === undefined) throw new Error(`there is no provider ${provider}`)
  return {
    id,
    revision: 1,
    name: `channel-${id}`,
    provider: found,
    baseUrl: 'https://upstream.example',
    keys: Array.from({ length: keys }, (_, position) => ({
      position,
      secret: `${id}.${position}`,
      fingerprint: `${id}.${position}`,
    })),
    keyMode: 'random',
    models: new Set(['m']),
    groups: new Set(['default']),
    priority: 0,
    weight: 1,
    modelMapping: new Map(),
    settings: {},
    dialect: undefined,
    isEnabled: true,
    timeLimits,
    overrides: undefined,
    ceilings: { concurrencyMax: undefined, requestsPerMinuteMax: undefined },
    ...wishes,
  }
}

export const ask: RouteAsk = {
  group: 'default',
  model: 'm',
  dialect: 'openai-chat',
  operation: 'chat',
  isStreaming: false,
  pinnedChannelId: undefined,
  affinity: () => undefined,
}

type Wished = NonNullable<Parameters<typeof resolveOptions>[1]>

export interface Bed {
  readonly routing: Routing
  /** What it told the other nodes, in order. */
  readonly reports: readonly HealthReport[]
  /** Milliseconds; turned by hand. */
  readonly clock: { now: number }
  /** Replaces the channels, as a change of the configuration does. */
  change(wishes: readonly ChannelWish[]): void
}

export function bedOf(
  wishes: readonly ChannelWish[],
  { random = () => 0, options = {} }: { random?: () => number; options?: Wished } = {},
): Bed {
  const clock = { now: 1_000_000 }
  let snapshot = snapshotOf(wishes, options)
  const reports: HealthReport[] = []
  return {
    routing: createRouting({
      snapshot: () => snapshot,
      random,
      clock: () => clock.now,
      onReport: report => reports.push(report),
      limits: { healthEntriesMax: 50 },
    }),
    reports,
    clock,
    change(changed) {
      snapshot = snapshotOf(changed, options)
    },
  }
}

/** What routing does not look at fails when it does. */
function snapshotOf(wishes: readonly ChannelWish[], options: Wished): Snapshot {
  const refuse = () => {
    throw new Error('routing has no business with this')
  }
  const channels = wishes.map(channelOf)
  const serving = channels.toSorted((one, other) => other.priority - one.priority)
  const lists = new Map<string, readonly Channel[]>()
  return {
    channels: new Map(channels.map(channel => [channel.id, channel])),
    channelsOf(group, model) {
      const known = lists.get(`${group} ${model}`)
      if (known !== undefined) return known
      const found = serving.filter(channel => channel.groups.has(group) && channel.models.has(model))
      lists.set(`${group} ${model}`, found)
      return found
    },
    findPrice: refuse,
    modelsOf: refuse,
    revision: 1,
    groups: new Map(),
    options: resolveOptions([], options),
  }
}

/** Channel and key of each candidate, in order: `2.0`; or the reason why there is none. */
export function planOf(routing: Routing, wishes: Partial<RouteAsk> = {}): string[] | string {
  const plan = routing.plan({ ...ask, ...wishes })
  if (plan.kind === 'none') return plan.reason
  const order: string[] = []
  for (let next = plan.candidates.next(); next.done !== true; next = plan.candidates.next())
    order.push(next.value.key.fingerprint)
  return order
}
