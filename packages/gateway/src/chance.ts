import { randomFillSync } from 'node:crypto'

/** [0, 1) from the system's generator, drawn in blocks: one call each would cost more than all else of an id. */
export function createRandom(): () => number {
  const block = new Uint32Array(256)
  let at = block.length
  return () => {
    if (at === block.length) {
      randomFillSync(block)
      at = 0
    }
    return (block[at++] ?? 0) / 2 ** 32
  }
}
