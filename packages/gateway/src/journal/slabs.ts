/**
 * Room for a second of a loaded gateway. Reused, since small buffers that live until their commit fragment the process.
 * Shared with the store's thread: a batch goes there without a copy, and leaves no garbage on either side.
 */
const slabBytes = 1024 * 1024
/** Kept for reuse; more are there only while the store lags behind. */
const freeSlabsMax = 4

/** Texts as bytes in a few large buffers that are used again once nothing in them is waited for. */
export interface Slabs {
  /** `text` in UTF-8: a view that stays as it is until it is released. */
  encode(text: string): Buffer
  /** `bytes`, an `encode` gave them, are not needed any more. Once for each. */
  release(bytes: Buffer): void
}

interface Slab {
  readonly bytes: Buffer
  /** Views that are not released. */
  live: number
}

export function createSlabs(): Slabs {
  const slabs = new Map<ArrayBufferLike, Slab>()
  const free: Slab[] = []
  let current = createSlab()
  let at = 0

  function createSlab(): Slab {
    const slab = { bytes: Buffer.from(new SharedArrayBuffer(slabBytes)), live: 0 }
    slabs.set(slab.bytes.buffer, slab)
    return slab
  }

  function retire(slab: Slab): void {
    if (free.length < freeSlabsMax) free.push(slab)
    else slabs.delete(slab.bytes.buffer)
  }

  function next(): void {
    const full = current
    current = free.pop() ?? createSlab()
    at = 0
    if (full.live === 0) retire(full)
  }

  return {
    encode(text) {
      // A UTF-16 unit takes at most three bytes.
      const most = text.length * 3
      if (most > slabBytes) return Buffer.from(text)
      if (at + most > slabBytes) next()
      const start = at
      at += current.bytes.write(text, start)
      current.live += 1
      return current.bytes.subarray(start, at)
    },
    release(bytes) {
      const slab = slabs.get(bytes.buffer)
      if (slab === undefined) return
      slab.live -= 1
      if (slab.live === 0 && slab !== current) retire(slab)
    },
  }
}
