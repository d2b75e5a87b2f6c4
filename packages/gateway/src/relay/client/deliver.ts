import type { Dialect } from '@yumen/protocol'
import type { Snapshot } from '#catalog'
import type { Accepted } from '../attempt.ts'
import { GatewayError } from '../gateway-error.ts'
import type { ByteBudget } from '../incoming/budget.ts'
import type { RelayParts } from '../parts.ts'
import type { RequestLog } from '../request-log.ts'
import { settle } from '../settle.ts'
import { stream } from '../stream.ts'
import type { WholeAnswer } from '../upstream/whole.ts'
import { createFraming } from './framing.ts'
import { answerHeaders, streamHeaders } from './headers.ts'
import type { Reply } from './reply.ts'
import { createRewriter, type RewriteRules, rewriteWhole } from './rewrite.ts'
import { type Counted, countUsage } from './usage.ts'

export interface DeliveryAsk {
  readonly accepted: Accepted
  readonly dialect: Dialect
  readonly reply: Reply
  readonly log: RequestLog
  readonly share: ByteBudget
  readonly snapshot: Snapshot
  readonly wantsDebug: boolean
}

/** Brings the accepted answer to the client and settles it; the end of an answer leaves after its settlement is in the journal. */
export function deliver(parts: RelayParts, ask: DeliveryAsk): Promise<void> {
  const { accepted, dialect, reply, log } = ask
  log.warnings.push(...accepted.body.removed.map(name => `param_unsupported;path=${name}`))
  const { answer } = accepted
  if (answer.kind === 'whole') return deliverWhole(parts, ask, answer)
  const framing = createFraming(log.target)
  const { timeLimits } = accepted.candidate.channel
  return stream(parts, {
    answer,
    dialect,
    framing,
    reply,
    log,
    budget: ask.share,
    rewrite: createRewriter(rulesOf(parts, ask)),
    hidesUsage: accepted.body.hidesUsage,
    pingIntervalMs: timeLimits.pingIntervalMs,
    idleTimeoutMs: timeLimits.idleTimeoutMs,
    head: streamHeaders(log, { contentType: framing.contentType, wantsDebug: ask.wantsDebug }),
  })
}

function deliverWhole(parts: RelayParts, ask: DeliveryAsk, answer: WholeAnswer): Promise<void> {
  const { log, dialect, reply } = ask
  const counted: Counted | Promise<Counted> =
    answer.usage !== undefined
      ? { usage: answer.usage, source: 'upstream' }
      : countUsage(parts.counter, log, { usage: undefined, text: dialect.textOf(answer.parsed) }, 'estimated')
  const bytes = rewriteWhole(answer.bytes, answer.parsed, rulesOf(parts, ask))
  const headers = answerHeaders(log, { contentType: 'application/json', wantsDebug: ask.wantsDebug })
  return new Promise((resolve, reject) => {
    const release = (failure: unknown) => {
      if (failure !== undefined) {
        reject(
          new UnrecordedError('the request could not be recorded; its answer is withheld', {
            cause: failure,
          }),
        )
        return
      }
      log.mark('firstByte')
      reply.sendWhole(200, headers, bytes)
      resolve()
    }
    const finish = (result: Counted) => settle(parts, log, { class: 'ok', status: 200, ...result }, release)
    if (counted instanceof Promise) counted.then(finish).catch(reject)
    else finish(counted)
  })
}

/** The journal did not take the settlement. The request has had its one settlement; only the client has to be told. */
export class UnrecordedError extends GatewayError {
  constructor(message: string, options?: ErrorOptions) {
    super('shed', message, { retryAfterMs: 1_000, ...options })
  }
}

function rulesOf(parts: RelayParts, { accepted, log, snapshot }: DeliveryAsk): RewriteRules {
  const { candidate, body } = accepted
  const { settings } = candidate.channel
  const model = log.facts?.model
  const isMapped =
    model !== undefined && candidate.upstreamModel !== model && !snapshot.options['relay.exposeUpstreamModel']
  const { dialect, operation } = log.target
  const isChat = dialect === 'openai-chat' && operation === 'chat'
  const isText = dialect === 'openai-chat' && operation === 'completions'
  const reshape = {
    forcesFormat: (isChat || isText) && settings['force_format'] === true,
    thinkingToContent: isChat && settings['thinking_to_content'] === true,
  }
  return {
    dialect,
    model: isMapped ? model : undefined,
    hidesUsage: body.hidesUsage,
    reshape: reshape.forcesFormat || reshape.thinkingToContent ? reshape : undefined,
    limits: parts.limits,
  }
}
