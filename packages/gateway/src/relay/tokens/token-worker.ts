import { parentPort } from 'node:worker_threads'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { Countable } from './token-counter.ts'
import { textOfBody } from './token-text.ts'

/** Asked with `{ id, question }`, answers `{ id, tokens }`. */
interface Asked {
  readonly id: number
  readonly question: Countable
}

/** A long text is counted by its beginning and scaled: an estimate needs no more, and no request may block the others. */
const sampleCharsMax = 100_000

parentPort?.on('message', ({ id, question: { body, text } }: Asked) => {
  parentPort?.postMessage({ id, tokens: { body: count(textOfBody(body)), text: count(text) } })
})

function count(text: string): number {
  if (text.length <= sampleCharsMax) return countTokens(text, { allowedSpecial: 'all' })
  const sample = countTokens(text.slice(0, sampleCharsMax), { allowedSpecial: 'all' })
  return Math.round((sample * text.length) / sampleCharsMax)
}
