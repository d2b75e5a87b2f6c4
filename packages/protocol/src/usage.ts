/**
 * Units counted by kind, one arithmetic for all dialects: `input` and `output` hold everything, the rest are parts of them.
 * A missing report is `undefined` as a whole, never zeros.
 */
export interface Usage {
  /** Everything the model read: cached or not, tool-use prompt included. */
  readonly input: number
  /** Part of `input` that was read from a prompt cache. */
  readonly cacheRead: number
  /** Parts of `input` that were written to a prompt cache, by time to live. */
  readonly cacheWrite: CacheWrite
  /** Second split of `input`, by modality, as far as the upstream tells. */
  readonly inputBy: Modalities
  /** Part of `input`: the prompt of server-side tool use. */
  readonly toolUse: number
  /** Everything generated, reasoning included. */
  readonly output: number
  /** Part of `output`; `undefined` when not reported. */
  readonly reasoning: number | undefined
  readonly outputBy: Modalities
  /** Calls of the provider's own tools, billed beside tokens. */
  readonly server: ServerTools
  /** The service tier that served the request, as the upstream names it. */
  readonly tier: string | undefined
}

export interface CacheWrite {
  readonly '5m': number
  readonly '30m': number
  readonly '1h': number
  readonly '12h': number
}
export interface Modalities {
  readonly text?: number
  readonly audio?: number
  readonly image?: number
  readonly video?: number
  readonly document?: number
}
export interface ServerTools {
  readonly webSearch: number
  readonly webFetch: number
  readonly codeCalls: number
  readonly fileSearch: number
}

/** Who counted: the upstream itself, we from what was delivered (a cut stream), or we because the upstream gave none. */
export type UsageSource = 'upstream' | 'counted' | 'estimated'

export const noCacheWrite: CacheWrite = { '5m': 0, '30m': 0, '1h': 0, '12h': 0 }
export const noServerTools: ServerTools = { webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 }

/** A usage of plain input and output, for estimates and tests. */
export function plainUsage(input: number, output: number): Usage {
  return {
    input,
    output,
    cacheRead: 0,
    cacheWrite: noCacheWrite,
    inputBy: {},
    toolUse: 0,
    reasoning: undefined,
    outputBy: {},
    server: noServerTools,
    tier: undefined,
  }
}

/** A usage without its zeros, as records keep it: `input` and `output` always, the rest where there is something to say. */
export interface PackedUsage extends Partial<Pick<Usage, 'cacheRead' | 'toolUse' | 'reasoning' | 'tier'>> {
  readonly input: number
  readonly output: number
  readonly cacheWrite?: Partial<CacheWrite>
  readonly inputBy?: Modalities
  readonly outputBy?: Modalities
  readonly server?: Partial<ServerTools>
}

export function packUsage(usage: Usage): PackedUsage {
  const { input, output, cacheRead, toolUse, reasoning, tier } = usage
  const cacheWrite = withoutZeros(usage.cacheWrite)
  const inputBy = withoutZeros(usage.inputBy)
  const outputBy = withoutZeros(usage.outputBy)
  const server = withoutZeros(usage.server)
  return {
    input,
    output,
    ...(cacheRead > 0 && { cacheRead }),
    ...(toolUse > 0 && { toolUse }),
    ...(reasoning !== undefined && { reasoning }),
    ...(tier !== undefined && { tier }),
    ...(cacheWrite && { cacheWrite }),
    ...(inputBy && { inputBy }),
    ...(outputBy && { outputBy }),
    ...(server && { server }),
  }
}

function withoutZeros<Counts extends object>(counts: Counts): Partial<Counts> | undefined {
  let packed: Partial<Counts> | undefined
  for (const kind in counts) {
    if (counts[kind] === 0 || counts[kind] === undefined) continue
    packed ??= {}
    packed[kind] = counts[kind]
  }
  return packed
}
