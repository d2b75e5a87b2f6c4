/** Room for a second of a loaded gateway. Reused, since small buffers that live until their commit fragment the process. */
const slabBytes = 1024 * 1024
/** Kept for reuse; more are there only while the store lags behind. */
const freeSlabsMax = 4

/** Texts as bytes in a few large buffers that are used again once what they hold is committed. First in, first out. */
export interface Slabs {
  /** `text` in UTF-8: a view that stays as it is until it is given back. */
  encode(text: string): Buffer
  /** `bytes` are not needed any more; `next` are the oldest that still are. */
  release(bytes: Buffer, next: Buffer | undefined): void
}

export function createSlabs(): Slabs {
  const free: Buffer[] = []
  let current: Buffer = Buffer.allocUnsafeSlow(slabBytes)
  let at = 0
  return {
    encode(text) {
      // A UTF-16 unit takes at most three bytes.
      const most = text.length * 3
      if (most > slabBytes) return Buffer.from(text)
      if (at + most > slabBytes) {
        current = free.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
        at = 0
      }
      const start = at
      at += current.write(text, start)
      return current.subarray(start, at)
    },
    release(bytes, next) {
      const isSlab = bytes.buffer.byteLength === slabBytes
      if (!isSlab || bytes.buffer === next?.buffer || bytes.buffer === current.buffer) return
      if (free.length < freeSlabsMax) free.push(Buffer.from(bytes.buffer, 0, slabBytes))
    },
  }
}
