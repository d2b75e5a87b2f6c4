import { type Dialect, type ScanLimits, type UpstreamError } from '@yumen/protocol'
import type { Candidate } from '#routing'
import { GatewayError, remedies, toldAs } from './gateway-error.ts'
import type { Reply } from './reply.ts'
import type { RequestLog } from './request-log.ts'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'
import type { CallListener, UpstreamCall } from './upstream/call.ts'
import { askOf, type SendParts, send } from './upstream/send.ts'
import { createStreamListener, type StreamAnswer } from './upstream/streamed.ts'
import { createWholeListener, type WholeAnswer } from './upstream/whole.ts'
import { buildUpstreamBody, type UpstreamBody } from './upstream-body.ts'

export interface AttemptParts extends SendParts {
  readonly limits: ScanLimits & {
    readonly upstreamAnswerBytesMax: number
    readonly errorBodyBytesMax: number
    readonly parseBytesMax: number
    readonly sseEventBytesMax: number
    readonly preludeBytesMax: number
  }
}

export interface AttemptAsk {
  readonly target: Target
  readonly dialect: Dialect
  readonly facts: Facts
  readonly log: RequestLog
  readonly reply: Reply
  readonly candidates: Iterator<Candidate, undefined>
  /** Candidates after the first. */
  readonly retryTimes: number
  readonly endsAt: number
  readonly client: (name: string) => string | undefined
  /** The upstream accepted and streams: from here on the client may be sent pings. */
  readonly onStreaming: () => void
}

export interface Accepted {
  readonly answer: WholeAnswer | StreamAnswer
  readonly candidate: Candidate
  readonly body: UpstreamBody
}

/** The client left while its answer was looked for. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

/**
 * Tries candidates until one answers: up to the commit point any failure that another upstream may not have moves on.
 * @throws GatewayError by the class of the last failure; ClientGoneError
 */
export async function attempt(parts: AttemptParts, ask: AttemptAsk): Promise<Accepted> {
  let failed: Failed | undefined
  for (let tried = 0; tried <= ask.retryTimes; tried++) {
    const next = ask.candidates.next()
    if (next.done === true) break
    const outcome = await tryCandidate(parts, ask, next.value)
    if (outcome.kind === 'gone') throw new ClientGoneError('the client left')
    if (outcome.kind === 'answered') return outcome.accepted
    failed = mergeFailures(failed, outcome)
    if (remedies[outcome.error.class] === 'tell-client' || parts.clock() >= ask.endsAt) break
  }
  if (failed === undefined) throw new GatewayError('no_candidate', `no channel can serve ${ask.facts.model} now`)
  throw tell(failed, ask)
}

interface Failed {
  readonly kind: 'failed'
  readonly error: UpstreamError
  /** The upstream's own body, where it sent one and it is small enough to be passed on. */
  readonly refusal: Buffer | undefined
}

type Outcome = Failed | { readonly kind: 'answered'; readonly accepted: Accepted } | { readonly kind: 'gone' }

/** One candidate: settles when the stream reaches its commit point, the whole answer is there, or neither will come. */
function tryCandidate(parts: AttemptParts, ask: AttemptAsk, candidate: Candidate): Promise<Outcome> {
  const upstreamAsk = askOf(candidate, ask.target, ask.facts)
  const body = buildUpstreamBody(ask.facts, ask.target, { candidate, ask: upstreamAsk }, parts.limits)
  const startedAt = parts.clock()
  return new Promise(resolve => {
    let call: UpstreamCall | undefined
    const end = (outcome: Outcome, attempted: { class: string; status: number }) => {
      ask.reply.onGone = undefined
      ask.log.attempts.push({
        channel: candidate.channel.name,
        channelId: candidate.channel.id,
        keyFingerprint: candidate.key.fingerprint,
        ...attempted,
        ms: Math.round(parts.clock() - startedAt),
        ...(isMaybeBilled(outcome, attempted.status, call) && { mayBeBilled: true }),
      })
      resolve(outcome)
    }
    const onAnswer = (answer: WholeAnswer | StreamAnswer) => {
      end({ kind: 'answered', accepted: { answer, candidate, body } }, { class: 'ok', status: 200 })
    }
    const onFailure = (error: UpstreamError, refusal: Buffer | undefined) => {
      end({ kind: 'failed', error, refusal }, { class: error.class, status: error.status })
    }
    ask.reply.onGone = () => {
      call?.abort()
      end({ kind: 'gone' }, { class: 'client_gone', status: 0 })
    }
    const listener = createListener(parts, ask, { onAnswer, onFailure, call: () => requireCall(call) })
    call = send(parts, { candidate, ask: upstreamAsk, body, client: ask.client, endsAt: ask.endsAt }, listener)
  })
}

interface ListenerHooks {
  readonly onAnswer: (answer: WholeAnswer | StreamAnswer) => void
  readonly onFailure: (error: UpstreamError, refusal: Buffer | undefined) => void
  readonly call: () => UpstreamCall
}

function createListener(parts: AttemptParts, ask: AttemptAsk, { onAnswer, onFailure, call }: ListenerHooks): CallListener {
  const { dialect, facts } = ask
  if (!facts.isStreaming) {
    return createWholeListener({ dialect, limits: parts.limits, onAnswer, onFailure, abort: () => call().abort() })
  }
  return createStreamListener({
    dialect, choices: facts.choices, limits: parts.limits, call, onAnswer, onFailure, onHead: ask.onStreaming,
  })
}

function requireCall(call: UpstreamCall | undefined): UpstreamCall {
  if (call === undefined) throw new Error('an upstream answered before it was asked')
  return call
}

/** The body was sent and no refusal came: the upstream may have worked, and may bill it. */
function isMaybeBilled(outcome: Outcome, status: number, call: UpstreamCall | undefined): boolean {
  return outcome.kind !== 'answered' && call?.isSent === true && status < 400
}

/** The last failure is told, with the shortest wait that any of the tried upstreams named. */
function mergeFailures(before: Failed | undefined, now: Failed): Failed {
  const waits = [before?.error.retryAfterMs, now.error.retryAfterMs].filter(wait => wait !== undefined)
  return waits.length === 0 ? now : { ...now, error: { ...now.error, retryAfterMs: Math.min(...waits) } }
}

/** An upstream's failure in words for the client: its own only where the client itself can mend it. */
function tell({ error, refusal }: Failed, { facts, log }: AttemptAsk): GatewayError {
  const told = toldAs[error.class]
  if (remedies[error.class] === 'tell-client') {
    const native = refusal !== undefined && error.status >= 400 ? { native: { status: error.status, body: refusal } } : {}
    return new GatewayError(told, error.message, { ...native, ...(error.param !== undefined && { param: error.param }) })
  }
  const words: Readonly<Record<string, string>> = {
    rate_limited: `${facts.model} is asked for too often just now`,
    overloaded: `${facts.model} is overloaded just now`,
    upstream_timeout: `${facts.model} did not answer in time`,
    upstream_error: `${facts.model} failed to answer`,
  }
  const message = words[told] ?? `The model is temporarily unavailable (request id ${log.id})`
  return new GatewayError(told, message, { retryAfterMs: error.retryAfterMs })
}
