import { type Dialect, type DialectName, dialects } from '@yumen/protocol'
import { type Ask, type Operation, offers } from '@yumen/providers'
import type { Channel, ChannelKey } from '#catalog'
import { type Candidate, mapModel } from '#routing'
import type { AttemptParts } from './attempt.ts'
import { GatewayError } from './gateway-error.ts'
import type { Shares } from './incoming/shares.ts'
import { route, type Target } from './route.ts'
import { type Facts, scan } from './scan.ts'
import type { AnswerOwner } from './upstream/answer.ts'
import { buildAttemptBody } from './upstream/attempt-body.ts'
import type { UpstreamCall } from './upstream/call.ts'
import { askOf, send } from './upstream/send.ts'
import type { UpstreamBody } from './upstream/upstream-body.ts'
import { createWholeListener } from './upstream/whole.ts'

/** How a small real call to a channel went. */
export interface ChannelTest {
  readonly channel: string
  readonly keyFingerprint: string
  readonly model: string
  /** `ok`, or the class of the upstream's error. */
  readonly class: string
  readonly status: number
  readonly ms: number
  readonly message: string | undefined
}

type TestParts = AttemptParts & {
  readonly shares: Shares
  readonly limits: { readonly channelTestMsMax: number }
}

/** Answers to the gateway's own questions are nobody's: no account has this id. */
const nobody = { accountId: 0, id: 0 }

interface Question {
  readonly dialect: DialectName
  readonly operation: Operation
  /** The address that a client would ask. */
  readonly path: (model: string) => string
  /** `model` is the client's name; what the model takes goes by the upstream's. */
  readonly body: (model: string, upstreamModel: string) => object
}

const words = 'hi'
const messages = [{ role: 'user', content: words }]
/** Thinking models spend a short limit on thoughts and answer nothing. */
const thinkingTokens = 512

/** The smallest call of each dialect, chat first: a few tokens, no tool, no image. */
const questions: readonly Question[] = [
  {
    dialect: 'openai-chat',
    operation: 'chat',
    path: () => '/v1/chat/completions',
    body: (model, upstreamModel) => ({ model, ...chatLimit(upstreamModel), messages }),
  },
  {
    dialect: 'anthropic',
    operation: 'chat',
    path: () => '/v1/messages',
    body: model => ({ model, max_tokens: 16, messages }),
  },
  {
    dialect: 'gemini',
    operation: 'chat',
    path: model => `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
    body: () => ({
      contents: [{ role: 'user', parts: [{ text: words }] }],
      generationConfig: { maxOutputTokens: thinkingTokens },
    }),
  },
  {
    dialect: 'openai-responses',
    operation: 'chat',
    path: () => '/v1/responses',
    body: model => ({ model, max_output_tokens: 16, input: words }),
  },
  {
    dialect: 'openai-chat',
    operation: 'embeddings',
    path: () => '/v1/embeddings',
    body: model => ({ model, input: words }),
  },
]

/** OpenAI's thinking models refuse `max_tokens`; services that imitate OpenAI know only that one. */
function chatLimit(model: string): object {
  return thinking.test(model) ? { max_completion_tokens: thinkingTokens } : { max_tokens: 16 }
}

const thinking = /(?:^|\/)(?:o\d|gpt-(?:[5-9]|\d\d))/i

/**
 * Asks a channel for a few tokens by each of its keys, as a client's request would through all of its settings, and tells its health
 * what came of it, as any attempt does. Nobody is charged. `undefined` when it offers nothing that a small question fits.
 */
export async function testChannel(
  parts: TestParts,
  channel: Channel,
): Promise<readonly ChannelTest[] | undefined> {
  const model = testModelOf(channel)
  const upstreamModel = model === undefined ? undefined : mapModel(channel, model)
  const question = upstreamModel === undefined ? undefined : questionFor(channel, upstreamModel)
  if (model === undefined || upstreamModel === undefined || question === undefined) return undefined
  const asked = write(parts, question, { model, upstreamModel })
  const tests: ChannelTest[] = []
  for (const key of channel.keys) tests.push(await ask(parts, { channel, key, upstreamModel, ...asked }))
  return tests
}

/** What the operator names, else the first model. */
function testModelOf(channel: Channel): string | undefined {
  const named = channel.settings['test_model']
  if (typeof named === 'string' && named !== '') return named
  const [first] = channel.models
  return first
}

function questionFor(channel: Channel, model: string): Question | undefined {
  const fitting = isEmbedding.test(model)
    ? questions.filter(each => each.operation === 'embeddings')
    : questions
  return fitting.find(question => isOffered(channel, model, question))
}

const isEmbedding = /embed|^bge-|^m3e/i

function isOffered(channel: Channel, model: string, { dialect, operation }: Question): boolean {
  if (channel.dialect !== undefined && channel.dialect !== dialect) return false
  const { baseUrl, settings } = channel
  const query = new URLSearchParams()
  return offers(channel.provider, { dialect, operation, model, isStreaming: false, baseUrl, settings, query })
}

/** A client's request, as far as an attempt reads it. */
interface Asked {
  readonly url: string
  readonly target: Target
  readonly facts: Facts
}

function write(
  { limits }: TestParts,
  { path, body }: Question,
  { model, upstreamModel }: { readonly model: string; readonly upstreamModel: string },
): Asked {
  const url = path(model)
  const found = route('POST', url, () => undefined)
  if (found.kind !== 'relay') throw new Error(`a channel test asks ${url}, which is no address of the relay`)
  const { target } = found
  return { url, target, facts: scan(Buffer.from(JSON.stringify(body(model, upstreamModel))), target, limits) }
}

interface Testing extends Asked {
  readonly channel: Channel
  readonly key: ChannelKey
  readonly upstreamModel: string
}

async function ask(parts: TestParts, testing: Testing): Promise<ChannelTest> {
  const { channel, key, upstreamModel } = testing
  const startedAt = parts.clock()
  const result = await call(parts, testing)
  return {
    channel: channel.name,
    keyFingerprint: key.fingerprint,
    model: upstreamModel,
    ms: Math.round(parts.clock() - startedAt),
    ...result,
  }
}

type Result = Pick<ChannelTest, 'class' | 'status' | 'message'>

async function call(parts: TestParts, testing: Testing): Promise<Result> {
  const { channel, key, upstreamModel, target, facts } = testing
  const limited = { ...channel, timeLimits: limitTimes(channel.timeLimits, parts.limits.channelTestMsMax) }
  const candidate = { channel: limited, key, upstreamModel, group: '' }
  const upstreamAsk = askOf(candidate, target, facts)
  const prepared = prepare(parts, testing, { candidate, ask: upstreamAsk })
  if (prepared.kind === 'refused') return prepared.result
  return exchange(parts, {
    dialect: dialects[target.dialect],
    candidate,
    ask: upstreamAsk,
    body: prepared.body,
  })
}

/** A round must not wait for an upstream that hangs. */
function limitTimes(times: Channel['timeLimits'], msMax: number): Channel['timeLimits'] {
  return { ...times, totalTimeoutMs: Math.min(times.totalTimeoutMs, msMax) }
}

type Prepared =
  | { readonly kind: 'ready'; readonly body: UpstreamBody }
  | { readonly kind: 'refused'; readonly result: Result }

/** The settings of a channel may be wrong, or refuse the question: that says nothing of its upstream. */
function prepare(
  { limits }: TestParts,
  { facts, target, url }: Testing,
  { candidate, ask }: { readonly candidate: Candidate; readonly ask: Ask },
): Prepared {
  const incoming = { url, headers: {} }
  const own = {
    mayAskUsage: false,
    requestId: '',
    incoming,
    index: 0,
    lastError: undefined,
    isChannelTest: true,
  }
  try {
    return { kind: 'ready', body: buildAttemptBody(facts, target, { candidate, ask, ...own }, limits) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const { cause, message } = error
    const words = cause instanceof Error ? cause.message : message
    return { kind: 'refused', result: { class: error.class, status: 0, message: words } }
  }
}

interface Exchange {
  readonly dialect: Dialect
  readonly candidate: Candidate
  readonly ask: Ask
  readonly body: UpstreamBody
}

function exchange(parts: TestParts, { dialect, candidate, ask: asked, body }: Exchange): Promise<Result> {
  const ticket = parts.routing.begin(candidate)
  const startedAt = parts.clock()
  const { promise, resolve } = Promise.withResolvers<Result>()
  const share = parts.shares.open(nobody)
  const end = (result: Result) => {
    share.close()
    resolve(result)
  }
  let call: UpstreamCall | undefined
  const owner: AnswerOwner = {
    get call(): UpstreamCall {
      if (call === undefined) throw new Error('an upstream answered before it was asked')
      return call
    },
    abort: () => call?.abort(),
    onStreaming: () => undefined,
    onAnswer() {
      const ms = parts.clock() - startedAt
      parts.routing.end(ticket, { class: 'ok', ms, isStreaming: false })
      end({ class: 'ok', status: 200, message: undefined })
    },
    onFailure(error) {
      listener.discard?.()
      const { status, message, retryAfterMs } = error
      const errorClass = error.isOurs ? 'undecided' : error.class
      parts.routing.end(ticket, { class: errorClass, retryAfterMs, ms: 0, isStreaming: false })
      end({ class: errorClass, status, message })
    },
  }
  const { limits } = parts
  const listener = createWholeListener({ dialect, limits, budget: share, owner })
  const onOver = () => parts.routing.release(ticket)
  call = send(parts, { candidate, ask: asked, body, client: () => undefined, startedAt, onOver }, listener)
  return promise
}
