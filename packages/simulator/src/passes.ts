import { Buffer } from 'node:buffer'
import { bytesOf, type Step } from './reply.ts'

/** Bytes in pieces of `size`, so that characters, line ends and field names are cut anywhere. */
export function* cutInto(steps: Iterable<Step>, size: number): Generator<Step> {
  for (const step of steps) {
    if (step.kind !== 'bytes') {
      yield step
      continue
    }
    const bytes = bytesOf(step.bytes)
    for (let at = 0; at < bytes.length; at += size)
      yield { kind: 'bytes', bytes: bytes.subarray(at, at + size) }
  }
}

/** All bytes at once, as `change` makes them; what happens between them is dropped. For small bodies. */
export function* together(steps: Iterable<Step>, change: (bytes: Buffer) => Iterable<Step>): Generator<Step> {
  const pieces: Uint8Array[] = []
  for (const step of steps) if (step.kind === 'bytes') pieces.push(bytesOf(step.bytes))
  yield* change(Buffer.concat(pieces))
}
