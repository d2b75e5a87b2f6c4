import { parentPort } from 'node:worker_threads'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { textOfBody } from './token-text.ts'

/** Asked with `{ id, texts }`, answers `{ id, counts }`. A text that is a JSON body is counted by the texts within it. */
interface Question {
  readonly id: number
  readonly texts: readonly string[]
}

/** A long text is counted by its beginning and scaled: an estimate needs no more, and no request may block the others. */
const sampleCharsMax = 200_000

parentPort?.on('message', ({ id, texts }: Question) => {
  parentPort?.postMessage({ id, counts: texts.map(text => count(textOfBody(text))) })
})

function count(text: string): number {
  if (text.length <= sampleCharsMax) return countTokens(text, { allowedSpecial: 'all' })
  const sample = countTokens(text.slice(0, sampleCharsMax), { allowedSpecial: 'all' })
  return Math.round((sample * text.length) / sampleCharsMax)
}
