/**
 * Counts the frames of an SSE body and knows its first and its last. Pings (comments) are no frames. Cheap:
 * one search per frame; text is made only of the last bytes, and of stamped frames.
 */
export interface FrameCounter {
  push(piece: Buffer): void
  readonly frames: number
  /** Whether `[DONE]` stands at the end. */
  isDone(): boolean
}

const frameEnd = Buffer.from('\n\n')
const lineFeed = 10
const colon = 58
const tailBytes = 32

export function createFrameCounter(onStamp: ((stampUs: number) => void) | undefined): FrameCounter {
  let frames = 0
  let endsWithLineFeed = false
  let isAtStart = true // of a frame
  let isPing = false
  let tail: Buffer = Buffer.alloc(0)

  const endFrame = () => {
    if (!isPing) frames++
    isPing = false
    isAtStart = true
  }

  const count = (piece: Buffer) => {
    let at = 0
    if (endsWithLineFeed && piece[0] === lineFeed && !isAtStart) {
      endFrame()
      at = 1
    }
    while (at < piece.length) {
      if (isAtStart) isPing = piece[at] === colon
      isAtStart = false
      const end = piece.indexOf(frameEnd, at)
      if (end < 0) break
      endFrame()
      at = end + 2
    }
    endsWithLineFeed = piece[piece.length - 1] === lineFeed
  }

  return {
    push(piece) {
      count(piece)
      tail = piece.length >= tailBytes ? piece : Buffer.concat([tail.subarray(-tailBytes), piece])
      if (onStamp === undefined) return
      for (const [, stamp] of piece.toString('latin1', 0, piece.length).matchAll(/@(\d+)@/g))
        onStamp(Number(stamp))
    },
    get frames() {
      return frames
    },
    isDone: () => tail.subarray(-tailBytes).includes('[DONE]'),
  }
}
