import { cutInto } from './passes.ts'
import type { Item, Reply, Step } from './reply.ts'
import type { Knobs } from './wishes.ts'

/** Delays, pieces and line ends as wished. What is not wished for costs nothing. */
export function applyKnobs(reply: Reply, knobs: Knobs): Reply {
  let changed = reply
  if (knobs.delayMs > 0)
    changed = { ...changed, before: [...changed.before, { kind: 'wait', ms: knobs.delayMs }] }
  const { body } = changed
  if (body.kind === 'stream') {
    const items = knobs.gapMs > 0 ? spaced(body.items, knobs.gapMs) : body.items
    changed = { ...changed, body: { ...body, items, newline: knobs.newline ?? body.newline } }
  }
  const { pieceBytes } = knobs
  if (pieceBytes !== undefined) {
    const pass = (steps: Iterable<Step>) => cutInto(steps, pieceBytes)
    changed = { ...changed, framing: 'chunked', passes: [...changed.passes, pass] }
  }
  return changed
}

/** A pause before each event but the first. */
export function* spaced(items: Iterable<Item>, ms: number): Generator<Item> {
  let isFirst = true
  for (const item of items) {
    if (item.kind === 'frame') {
      if (!isFirst) yield { kind: 'wait', ms }
      isFirst = false
    }
    yield item
  }
}
