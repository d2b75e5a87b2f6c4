/** 32-bit mix (murmur3's finaliser): every bit of the input moves half of the output. */
export function mix32(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
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
