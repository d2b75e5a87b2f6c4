import { plainUsage, type Usage, type UsageSource } from '@yumen/protocol'
import type { RequestLog } from '../request-log.ts'
import type { TokenCounter } from '../tokens/token-counter.ts'

export interface Counted {
  readonly usage: Usage
  readonly source: UsageSource
}

/** The upstream's own usage, at once; else ours, counted from the request and from what was generated. */
export function countUsage(
  counter: TokenCounter,
  log: RequestLog,
  answer: { readonly usage: Usage | undefined; readonly text: string },
  source: 'estimated' | 'counted',
): Counted | Promise<Counted> {
  if (answer.usage !== undefined && source === 'estimated') return { usage: answer.usage, source: 'upstream' }
  if (log.facts === undefined) return { usage: plainUsage(0, 0), source }
  // A cut stream may have told its input; its output was not told to the end.
  const known = answer.usage?.input
  return counter
    .count({ body: known === undefined ? log.facts.body.toString('utf8') : '', text: answer.text })
    .then(({ body: input, text: output }) => {
      const counted = plainUsage(known ?? input, Math.max(output, answer.usage?.output ?? 0))
      return {
        usage: answer.usage === undefined ? counted : { ...answer.usage, output: counted.output },
        source,
      }
    })
}
