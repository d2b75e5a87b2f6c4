import type { IncomingHttpHeaders } from 'node:http'
import {
  applyEdits,
  type Dialect,
  dialects,
  ScanError,
  type ScanLimits,
  type ScannedObject,
  scanObject,
  type UpstreamError,
} from '@yumen/protocol'
import { type Ask, endpointUrl, type Operation } from '@yumen/providers'
import {
  applyParamOverride,
  clientHeaders,
  type Overrides,
  ParamOverrideError,
  ReturnedError,
  resolveHeaders,
  systemPromptEdits,
} from '#overrides'
import type { Candidate } from '#routing'
import { GatewayError } from '../gateway-error.ts'
import type { Target } from '../route.ts'
import { type Facts, scan } from '../scan.ts'
import { ownHeaderNames } from './own-headers.ts'
import { buildUpstreamBody, type UpstreamBody } from './upstream-body.ts'

/** One attempt, as far as its body and headers depend on it. Nothing of it reaches the next one. */
export interface AttemptTurn {
  readonly candidate: Candidate
  readonly ask: Ask
  readonly mayAskUsage: boolean
  readonly requestId: string
  /** The client's request: its address and headers. */
  readonly incoming: { readonly url?: string | undefined; readonly headers: IncomingHttpHeaders }
  /** 0 for the first candidate. */
  readonly index: number
  readonly lastError: UpstreamError | undefined
  /** The request is the gateway's own, to see whether the channel works. */
  readonly isChannelTest?: boolean
}

/** A channel refuses the request itself: by its `return_error`, or by an override that this body cannot take. */
export class ChannelRefusal extends GatewayError {
  /** Whether the next candidate may be asked. */
  readonly mayMoveOn: boolean
  /** The override that could not be done, for the administrator: such a channel was no try of the request's. */
  readonly fault: string | undefined
  constructor(
    parts: ConstructorParameters<typeof GatewayError>,
    { mayMoveOn, fault }: { readonly mayMoveOn: boolean; readonly fault?: string },
  ) {
    super(...parts)
    this.mayMoveOn = mayMoveOn
    this.fault = fault
  }
}

/**
 * What goes upstream in one attempt: the edits that every channel needs, then what this channel's settings change.
 * @throws GatewayError, ChannelRefusal
 */
export function buildAttemptBody(
  facts: Facts,
  target: Target,
  turn: AttemptTurn,
  limits: ScanLimits,
): UpstreamBody {
  const { overrides } = turn.candidate.channel
  if (overrides === undefined) return buildUpstreamBody(facts, target, turn, limits)
  try {
    return override({ facts, target, turn, limits, overrides })
  } catch (error) {
    throw toldError(error, target, turn)
  }
}

interface Overriding {
  readonly facts: Facts
  readonly target: Target
  readonly turn: AttemptTurn
  readonly limits: ScanLimits
  readonly overrides: Overrides
}

function override({ facts, target, turn, limits, overrides }: Overriding): UpstreamBody {
  const sources = { apiKey: turn.candidate.key.secret, client: turn.incoming.headers }
  const headers =
    overrides.headers && resolveHeaders(overrides.headers, { ...sources, own: () => ownNames(turn) })
  if (overrides.passesThrough) return { ...passThrough(facts, turn), headers }
  const built = buildUpstreamBody(facts, target, turn, limits)
  const { systemPrompt, params } = overrides
  const takesPrompt = systemPrompt !== undefined && hasSystemPrompt(target)
  if (!takesPrompt && params === undefined) return { ...built, headers }
  let { pieces } = built
  if (takesPrompt) {
    const { bytes, object } = rescan(pieces, limits)
    pieces = applyEdits(bytes, systemPromptEdits(target.dialect, systemPrompt, { bytes, object, limits }))
  }
  if (params === undefined) return { ...built, pieces, length: lengthOf(pieces), headers }
  const changesBody = generates.has(target.operation)
  const changed = headers ?? new Map<string, string>()
  pieces = applyParamOverride(params, {
    ...rescan(pieces, limits),
    ...sources,
    headers: changed,
    context: contextOf(facts, turn, changed),
    changesBody,
  })
  const governed = changesBody ? reread({ facts, target, turn, limits, overrides }, pieces) : {}
  return { ...built, ...governed, pieces, length: lengthOf(pieces), headers: changed }
}

function ownNames({ candidate, ask, incoming }: AttemptTurn): ReadonlySet<string> {
  const headers = clientHeaders(incoming.headers)
  return ownHeaderNames({ candidate, ask, client: name => headers[name] })
}

/** Calls whose bodies take the members of generation; counting and moderation refuse them. */
const generates: ReadonlySet<Operation> = new Set(['chat', 'completions', 'embeddings', 'batch-embeddings'])

/** Google's counting takes no system instruction beside the contents. */
function hasSystemPrompt({ dialect, operation }: Target): boolean {
  return operation === 'chat' || (operation === 'count-tokens' && dialect !== 'gemini')
}

/**
 * The client's bytes. Its model is the one that runs, so a mapping counts only where the upstream has the model in the address.
 */
function passThrough(facts: Facts, turn: AttemptTurn): UpstreamBody {
  const body = { pieces: [facts.body], length: facts.body.length, hidesUsage: false, removed: [] }
  return isAddressed(turn) ? body : { ...body, model: facts.model }
}

/** Whether the address names the model, so that the body's is not the one that runs. */
function isAddressed({ candidate, ask }: AttemptTurn): boolean {
  const { provider } = candidate.channel
  return endpointUrl(provider, ask) !== endpointUrl(provider, { ...ask, model: `${ask.model}-` })
}

/** What an override sets is read as what a client sends is: the model, and how many answers are waited for. */
function reread({ facts, target, turn, limits }: Overriding, pieces: readonly Buffer[]) {
  const { upstreamModel } = turn.candidate
  const addressed = target.pathModel === undefined ? target : { ...target, pathModel: upstreamModel }
  let found: Facts
  try {
    found = scan(joined(pieces), addressed, limits)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new ParamOverrideError(`paramOverride leaves a body that cannot be sent: ${error.message}`, {
      cause: error,
    })
  }
  if (found.isStreaming !== facts.isStreaming)
    throw new ParamOverrideError('paramOverride changes stream: the answer could not be read')
  return { ...(!isAddressed(turn) && { model: found.model }), choices: found.choices }
}

const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
const lengthOf = (pieces: readonly Buffer[]) => pieces.reduce((sum, piece) => sum + piece.length, 0)

function rescan(pieces: readonly Buffer[], limits: ScanLimits): { bytes: Buffer; object: ScannedObject } {
  const bytes = joined(pieces)
  return { bytes, object: scanObject(bytes, limits) }
}

/** What conditions know beside the body, under New API's names. Made when a condition asks. */
function contextOf(facts: Facts, turn: AttemptTurn, headers: ReadonlyMap<string, string>) {
  return () => {
    const { candidate, incoming, index, lastError: error, isChannelTest = false } = turn
    const last = error && {
      status_code: error.status,
      message: error.message,
      code: error.upstreamCode ?? '',
      error_code: error.upstreamCode ?? '',
      type: error.upstreamType ?? '',
      error_type: error.upstreamType ?? '',
      skip_retry: false,
    }
    return {
      model: candidate.upstreamModel,
      upstream_model: candidate.upstreamModel,
      original_model: facts.model,
      request_path: pathOf(incoming.url, turn.ask.query),
      request_headers: clientHeaders(incoming.headers),
      header_override: Object.fromEntries(headers),
      retry_index: index,
      is_retry: index > 0,
      retry: { index, is_retry: index > 0 },
      is_channel_test: isChannelTest,
      ...(last && {
        last_error: last,
        last_error_status_code: last.status_code,
        last_error_message: last.message,
        last_error_code: last.code,
        last_error_type: last.type,
      }),
    }
  }
}

/** The address as the client wrote it, but for a key in it. */
function pathOf(url = '', query: URLSearchParams): string {
  const [path = ''] = url.split('?')
  const told = new URLSearchParams(query)
  told.delete('key')
  return told.size === 0 ? path : `${path}?${told}`
}

function toldError(error: unknown, target: Target, turn: AttemptTurn): unknown {
  if (error instanceof ReturnedError) return refusalOf(error, dialects[target.dialect], turn)
  if (error instanceof ScanError || error instanceof SyntaxError)
    return new GatewayError('invalid_request', `the body is not valid JSON: ${error.message}`)
  if (!(error instanceof ParamOverrideError)) return error
  // The setting is the administrator's: its log names it, the client learns that it is none of its own doing.
  const named = new Error(`channel ${turn.candidate.channel.name}: ${error.message}`)
  delete named.stack
  const message = 'the request could not be prepared for its upstream; it is on record'
  return new ChannelRefusal(['internal', message, { cause: named }], {
    mayMoveOn: true,
    fault: error.message,
  })
}

/** The administrator's own words, with their code and type where the dialect has them. */
function refusalOf(error: ReturnedError, dialect: Dialect, { requestId }: AttemptTurn): ChannelRefusal {
  const { status, code, type, message } = error
  const told = status < 500 ? 'invalid_request' : 'upstream_error'
  const hasCodes = dialect.name === 'openai-chat' || dialect.name === 'openai-responses'
  const { body } = dialect.renderError({ class: told, message, requestId, status })
  const own = hasCodes ? { error: { message, type, param: null, code } } : body
  const native = { status, body: Buffer.from(JSON.stringify(own)) }
  return new ChannelRefusal([told, message, { status, native }], { mayMoveOn: error.mayMoveOn })
}
