/** 32-bit mix (murmur3's finaliser): every bit of the input moves half of the output. */
export function mix32(value: number): number {
  return mixed32(value) >>> 0
}

/** The same bits as a signed number: where there are many, those are compared without becoming floats. */
function mixed32(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** FNV-1a of a text's UTF-16 units, mixed: stable over processes and restarts. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return mix32(hash)
}

/**
 * Weighted rendezvous hashing: the entry with the highest score of (`seed`, entry) wins. When an entry leaves, what it had moves and
 * nothing else; shares follow the weights. Source: Thaler and Ravishankar 1998; weights by −w / ln(u), Schindelhauer 2005.
 */
export function rendezvousScore(seed: number, entryHash: number, weight: number): number {
  // A weight of 0 beside others comes last, in a stable order of its own.
  const chance = (mix32(seed ^ entryHash) + 0.5) / 2 ** 32
  return weight > 0 ? -weight / Math.log(chance) : chance - 1
}

/** Entries of one weight, in columns. */
export interface WeightClass<Entry> {
  readonly weight: number
  readonly hashes: Int32Array
  readonly entries: readonly Entry[]
}

export function weightClasses<Entry>(
  weighed: readonly { readonly entry: Entry; readonly hash: number; readonly weight: number }[],
): readonly WeightClass<Entry>[] {
  return [...Map.groupBy(weighed, ({ weight }) => weight)].map(([weight, alike]) => ({
    weight,
    hashes: Int32Array.from(alike, ({ hash }) => hash),
    entries: alike.map(({ entry }) => entry),
  }))
}

/**
 * The entry with the highest `rendezvousScore` of those that `accepts` takes. Within a class the score grows with the mixed hash, so
 * that a thousand entries cost a thousand mixings and no logarithm.
 */
export function pickHome<Entry>(
  classes: readonly WeightClass<Entry>[],
  seed: number,
  accepts: (entry: Entry) => boolean,
): Entry | undefined {
  let home: Entry | undefined
  let homeScore = Number.NEGATIVE_INFINITY
  for (const { weight, hashes, entries } of classes) {
    const at = highest(hashes, seed, index => {
      const entry = entries[index]
      return entry !== undefined && accepts(entry)
    })
    if (at === undefined) continue
    const score = rendezvousScore(seed, hashes[at] ?? 0, weight)
    if (score <= homeScore) continue
    home = entries[at]
    homeScore = score
  }
  return home
}

/** Of the mixed hashes, as unsigned numbers, the highest that is accepted; as a rule one is asked for. */
function highest(hashes: Int32Array, seed: number, accepts: (index: number) => boolean): number | undefined {
  const first = indexOfHighest(hashes, seed)
  if (first === undefined || accepts(first)) return first
  let best: number | undefined
  let bestMixed = 0
  for (let index = 0; index < hashes.length; index++) {
    const mixed = mixed32(seed ^ (hashes[index] ?? 0)) ^ signBit
    if ((best !== undefined && mixed <= bestMixed) || !accepts(index)) continue
    best = index
    bestMixed = mixed
  }
  return best
}

function indexOfHighest(hashes: Int32Array, seed: number): number | undefined {
  let best: number | undefined
  let bestMixed = signBit
  for (let index = 0; index < hashes.length; index++) {
    const mixed = mixed32(seed ^ (hashes[index] ?? 0)) ^ signBit
    if (best !== undefined && mixed <= bestMixed) continue
    best = index
    bestMixed = mixed
  }
  return best
}

/** Turns the order of signed numbers into that of unsigned ones. */
const signBit = -(2 ** 31)
