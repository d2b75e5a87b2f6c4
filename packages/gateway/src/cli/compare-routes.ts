import type { Snapshot } from '#catalog'
import { limits } from '#config'
import { createRouting, type RouteAsk } from '#routing'

/** Requests that would go to another channel than now, as far as chance lets it be said. */
export interface Move {
  readonly model: string
  /** `null`: nobody could serve them. */
  readonly from: string | null
  readonly to: string | null
  readonly requests: number
}

export type Comparison = ReturnType<typeof compareRoutes>

/** Routes requests by two configurations: what each channel would get of them, and which of them would move. */
export function compareRoutes(
  asks: readonly RouteAsk[],
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
) {
  const kinds = kindsOf(asks)
  const now = sharesIn(before, kinds)
  const then = sharesIn(after, kinds)
  const moves = kinds.flatMap(({ ask, count }, index) =>
    movesOf(now[index] ?? nobody, then[index] ?? nobody).map(({ from, to, share }) => ({
      model: ask.model,
      from,
      to,
      requests: share * count,
    })),
  )
  const [sumsNow, sumsThen] = [sumUp(kinds, now), sumUp(kinds, then)]
  const names = [...new Set([...sumsNow.keys(), ...sumsThen.keys()])].filter(name => name !== null).sort()
  return {
    requests: asks.length,
    moved: rounded(moves.reduce((sum, { requests }) => sum + requests, 0)),
    moves: joined(moves),
    unserved: { before: sumsNow.get(null) ?? 0, after: sumsThen.get(null) ?? 0 },
    channels: names.map(channel => ({
      channel,
      before: rounded(sumsNow.get(channel) ?? 0),
      after: rounded(sumsThen.get(channel) ?? 0),
    })),
  }
}

/** Requests that routing cannot tell apart. */
interface Kind {
  readonly ask: RouteAsk
  readonly count: number
}

function kindsOf(asks: readonly RouteAsk[]): readonly Kind[] {
  const alike = Map.groupBy(asks, ({ group, model, dialect, operation, isStreaming }) =>
    JSON.stringify([group, model, dialect, operation, isStreaming]),
  )
  return [...alike.values()].flatMap(found => {
    const [ask] = found
    return ask === undefined ? [] : [{ ask, count: found.length }]
  })
}

/** Of a request, what each channel gets as its first candidate; `null` stands for nobody. Sums up to 1. */
type Shares = ReadonlyMap<string | null, number>

const nobody: Shares = new Map([[null, 1]])

function sharesIn(snapshot: Snapshot, kinds: readonly Kind[]): readonly Shares[] {
  const routing = createRouting({
    snapshot: () => snapshot,
    random: Math.random,
    clock: () => 0,
    onReport: () => undefined,
    limits,
  })
  return kinds.map(({ ask }) => {
    const firsts = routing
      .explain(ask)
      .candidates.filter(({ tier, excluded }) => tier === 0 && excluded === undefined)
    const shares = new Map<string | null, number>()
    // An import may bring channels of one name.
    for (const { channel, share } of firsts) shares.set(channel.name, (shares.get(channel.name) ?? 0) + share)
    return shares.size === 0 ? nobody : shares
  })
}

/** What is lost here is gained there: each loss is spread over the gains. */
function movesOf(now: Shares, then: Shares) {
  const names = [...new Set([...now.keys(), ...then.keys()])]
  const changes = names.map(name => ({ name, change: (then.get(name) ?? 0) - (now.get(name) ?? 0) }))
  const losses = changes.filter(({ change }) => change < -shareMin)
  const gains = changes.filter(({ change }) => change > shareMin)
  const gained = gains.reduce((sum, { change }) => sum + change, 0)
  return losses.flatMap(loss =>
    gains.map(gain => ({
      from: loss.name,
      to: gain.name,
      share: (-loss.change * gain.change) / gained,
    })),
  )
}

/** Below it a difference is one of rounding. */
const shareMin = 1e-9

function sumUp(kinds: readonly Kind[], shares: readonly Shares[]): ReadonlyMap<string | null, number> {
  const sums = new Map<string | null, number>()
  for (const [index, { count }] of kinds.entries()) {
    for (const [name, share] of shares[index] ?? nobody) sums.set(name, (sums.get(name) ?? 0) + share * count)
  }
  return sums
}

/** One line for each model, from and to; the largest first. */
function joined(moves: readonly Move[]): readonly Move[] {
  const alike = Map.groupBy(moves, ({ model, from, to }) => JSON.stringify([model, from, to]))
  return [...alike.values()]
    .flatMap(found => {
      const [first] = found
      const requests = rounded(found.reduce((sum, each) => sum + each.requests, 0))
      return first === undefined || requests === 0 ? [] : [{ ...first, requests }]
    })
    .toSorted((one, other) => other.requests - one.requests)
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
