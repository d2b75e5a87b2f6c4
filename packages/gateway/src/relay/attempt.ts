import type { Dialect, ScanLimits, UpstreamError } from '@yumen/protocol'
import type { Channel } from '#catalog'
import type { AttemptRecord } from '#journal'
import { type AttemptOutcome, type Candidate, type Routing, remedies, type Ticket } from '#routing'
import type { GoneWatcher, Reply } from './client/reply.ts'
import { Waiting } from './client/waiting.ts'
import { ClientGoneError, GatewayError } from './gateway-error.ts'
import type { ByteBudget } from './incoming/budget.ts'
import type { Planned } from './plan.ts'
import type { RequestLog } from './request-log.ts'
import type { Roster } from './roster.ts'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'
import { estimateAbandoned } from './settle.ts'
import type { LiveStream } from './stream.ts'
import type { AnswerOwner } from './upstream/answer.ts'
import { type AttemptTurn, buildAttemptBody, ChannelRefusal } from './upstream/attempt-body.ts'
import type { CallError, CallListener, UpstreamCall } from './upstream/call.ts'
import { mayRepeat, repeatableOf } from './upstream/repeatable.ts'
import { askOf, type SendParts, send } from './upstream/send.ts'
import { createStreamListener, type StreamAnswer } from './upstream/streamed.ts'
import { type Failed, mergeFailures, tell } from './upstream/tell-failure.ts'
import type { UpstreamBody } from './upstream/upstream-body.ts'
import { createWholeListener, type WholeAnswer } from './upstream/whole.ts'

export interface AttemptParts extends SendParts {
  readonly routing: Routing
  /** Channels whose upstream refuses to be asked for a stream's usage; grows as they say so. */
  readonly usageRefusers: WeakSet<Channel>
  /** What the sweep looks after; a stream without content yet stands there too. */
  readonly streams: Roster<LiveStream>
  readonly limits: ScanLimits & {
    readonly upstreamAnswerBytesMax: number
    readonly errorBodyBytesMax: number
    readonly namedRestMsMax: number
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
  readonly planned: Planned
  /** What is kept of an answer is taken out of it. */
  readonly share: ByteBudget
  /** When the request arrived, on the relay's clock. */
  readonly startedAt: number
  readonly client: (name: string) => string | undefined
  readonly incoming: AttemptTurn['incoming']
}

export interface Accepted {
  readonly answer: WholeAnswer | StreamAnswer
  readonly candidate: Candidate
  readonly body: UpstreamBody
}

/**
 * Tries candidates until one answers: up to the commit point any failure that another upstream may not have moves on.
 * @throws GatewayError by the class of the last failure; ClientGoneError
 */
export async function attempt(parts: AttemptParts, ask: AttemptAsk): Promise<Accepted> {
  let failed: Failed | undefined
  let refusal: ChannelRefusal | undefined
  /** Attempts, and refusals by a channel's settings; what its settings could not do counts for nothing. */
  let tried = 0
  for (;;) {
    // Nobody heard it leave while its body was decompressed or its key looked up.
    if (ask.reply.isClosed) throw new ClientGoneError('the client left')
    const next = ask.planned.candidates.next()
    if (next.done === true) break
    // Asked only when there is somewhere to go: a refusal is no retry.
    if (failed !== undefined && !parts.routing.mayRetry(ask.facts.model)) break
    const turn = { candidate: next.value, index: tried, lastError: failed?.error }
    const begun = begin(parts, ask, turn)
    if (begun instanceof ChannelRefusal) {
      refusal = begun
      if (begun.fault === undefined && ++tried > next.value.channel.timeLimits.retryTimes) break
      continue
    }
    tried++
    let trial = begun
    let outcome = await trial.outcome
    if (outcome.kind === 'failed' && trial.asksUsage && refusesUsage(outcome.error)) {
      // Ours was the member that it does not take: once more without, and never again for this channel as it is.
      parts.usageRefusers.add(next.value.channel)
      trial = new Trial(parts, ask, turn)
      outcome = await trial.outcome
    }
    if (outcome.kind === 'gone') throw new ClientGoneError('the client left')
    if (outcome.kind === 'shed') throw new GatewayError('shed', outcome.message, { retryAfterMs: 1_000 })
    if (outcome.kind === 'answered') return outcome.accepted
    failed = mergeFailures(failed, outcome)
    if (remedies[outcome.error.class] === 'tell-client') break
    if (!mayRepeat(repeatableOf(ask.target, ask.facts), trial)) break
    const { retryTimes, totalTimeoutMs } = next.value.channel.timeLimits
    if (tried > retryTimes || parts.clock() >= ask.startedAt + totalTimeoutMs) break
  }
  // What an upstream failed with says more than that the channel behind it was closed.
  if (failed !== undefined) throw tell(failed, ask)
  throw refusal ?? ask.planned.refuseAll()
}

type Turn = Pick<AttemptTurn, 'candidate' | 'index' | 'lastError'>

/** A channel may refuse a request itself, and let the next candidate try. */
function begin(parts: AttemptParts, ask: AttemptAsk, turn: Turn): Trial | ChannelRefusal {
  try {
    return new Trial(parts, ask, turn)
  } catch (error) {
    if (!(error instanceof ChannelRefusal && error.mayMoveOn)) throw error
    if (error.fault !== undefined) ask.log.attempts.push(faultRecord(turn.candidate, error.fault))
    return error
  }
}

/** What the channel's own setting could not do is its administrator's to see; its health is its upstream's alone. */
function faultRecord({ channel, key }: Candidate, detail: string): AttemptRecord {
  const facts = { channel: channel.name, channelId: channel.id, keyFingerprint: key.fingerprint }
  return { ...facts, class: 'override_failed', status: 0, ms: 0, detail }
}

/** Servers that know no `stream_options` have no code for it, only its name in their words. */
function refusesUsage({ class: errorClass, message, param }: UpstreamError): boolean {
  return errorClass === 'invalid_request' && /stream_options|include_usage/.test(`${param} ${message}`)
}

type Outcome =
  | Failed
  | { readonly kind: 'answered'; readonly accepted: Accepted }
  | { readonly kind: 'gone' }
  /** The gateway itself has no room for the answer, or is going down. */
  | { readonly kind: 'shed'; readonly message: string }

/** One candidate being tried: settles when the stream reaches its commit point, the whole answer is there, or neither will come. */
class Trial implements AnswerOwner, GoneWatcher {
  readonly outcome: Promise<Outcome>
  readonly #parts: AttemptParts
  readonly #ask: AttemptAsk
  readonly #candidate: Candidate
  readonly #startedAt: number
  readonly #settle: (outcome: Outcome) => void
  readonly #body: UpstreamBody
  readonly #listener: CallListener
  readonly #ticket: Ticket
  #call: UpstreamCall | undefined
  /** The body was sent and no refusal came: the upstream may have worked, and may bill it. */
  mayBeBilled = false
  #isEnded = false
  #waiting: Waiting | undefined

  constructor(parts: AttemptParts, ask: AttemptAsk, turn: Turn) {
    const { candidate } = turn
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#settle = resolve
    this.#parts = parts
    this.#ask = ask
    this.#candidate = candidate
    this.#startedAt = parts.clock()
    const { facts, target, dialect, client, startedAt, reply } = ask
    const upstreamAsk = askOf(candidate, target, facts)
    const mayAskUsage = !parts.usageRefusers.has(candidate.channel)
    const body = buildAttemptBody(
      facts,
      target,
      { ...turn, ask: upstreamAsk, mayAskUsage, requestId: ask.log.id, incoming: ask.incoming },
      parts.limits,
    )
    this.#body = body
    reply.watcher = this
    const { limits } = parts
    const budget = ask.share
    this.#listener = facts.isStreaming
      ? createStreamListener({ dialect, choices: body.choices ?? facts.choices, limits, budget, owner: this })
      : createWholeListener({ dialect, limits, budget, owner: this })
    this.#ticket = parts.routing.begin(candidate)
    const onOver = () => parts.routing.release(this.#ticket)
    this.#call = send(parts, { candidate, ask: upstreamAsk, body, client, startedAt, onOver }, this.#listener)
  }

  /** Whether usage was asked for on the client's behalf. */
  get asksUsage(): boolean {
    return this.#body.hidesUsage
  }

  get call(): UpstreamCall {
    if (this.#call === undefined) throw new Error('an upstream answered before it was asked')
    return this.#call
  }

  /** The upstream accepted and streams: from here on the client may be sent pings. */
  onStreaming(): void {
    const { log, reply } = this.#ask
    const { pingIntervalMs } = this.#candidate.channel.timeLimits
    log.mark('headed')
    const onCut = (message: string) => this.call.shed(message)
    this.#waiting = new Waiting({ reply, log, pingIntervalMs, now: this.#parts.clock(), onCut })
    this.#parts.streams.add(this.#waiting)
  }

  abort(): void {
    this.#call?.abort()
  }

  onAnswer(answer: WholeAnswer | StreamAnswer): void {
    const { model } = this.#body
    const candidate = model === undefined ? this.#candidate : { ...this.#candidate, upstreamModel: model }
    const accepted = { answer, candidate, body: this.#body }
    this.#end({ kind: 'answered', accepted }, { class: 'ok', status: 200 })
  }

  onFailure(error: CallError, refusal: Buffer | undefined): void {
    if (error.isOurs) {
      this.#end({ kind: 'shed', message: error.message }, { class: 'shed', status: 0 })
      return
    }
    const { statuses } = this.#candidate.channel.overrides ?? {}
    const ending = { class: error.class, status: error.status }
    this.#end({ kind: 'failed', error, refusal, statuses }, ending)
  }

  onGone(): void {
    this.#call?.abort()
    this.#end({ kind: 'gone' }, { class: 'client_gone', status: 0 })
  }

  #end(outcome: Outcome, { class: errorClass, status }: { class: string; status: number }): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { reply, log } = this.#ask
    const { channel, key } = this.#candidate
    reply.watcher = undefined
    if (this.#waiting !== undefined) this.#parts.streams.remove(this.#waiting)
    if (outcome.kind !== 'answered') this.#listener.discard?.()
    this.mayBeBilled = outcome.kind !== 'answered' && this.#call?.isSent === true && status < 400
    const ms = this.#parts.clock() - this.#startedAt
    this.#parts.routing.end(this.#ticket, healthOf(outcome, ms, this.#ask.facts.isStreaming))
    log.attempts.push({
      channel: channel.name,
      channelId: channel.id,
      keyFingerprint: key.fingerprint,
      class: errorClass,
      status,
      ms: Math.round(ms),
      ...(this.mayBeBilled && {
        mayBeBilled: true,
        estimatedCost: estimateAbandoned(log),
      }),
    })
    this.#settle(outcome)
  }
}

function healthOf(outcome: Outcome, ms: number, isStreaming: boolean): AttemptOutcome {
  switch (outcome.kind) {
    case 'answered':
      return { class: 'ok', ms, isStreaming }
    case 'gone':
    case 'shed':
      return { class: 'undecided', ms, isStreaming }
    case 'failed':
      return { class: outcome.error.class, retryAfterMs: outcome.error.retryAfterMs, ms, isStreaming }
  }
}
