import { type DialectName, dialects } from '@yumen/protocol'
import { type Ask, type Operation, offers } from '@yumen/providers'
import type { Channel, ChannelKey } from '#catalog'
import { mapModel } from '#routing'
import type { AttemptParts } from './attempt.ts'
import type { Shares } from './incoming/shares.ts'
import type { AnswerOwner } from './upstream/answer.ts'
import type { UpstreamCall } from './upstream/call.ts'
import { send } from './upstream/send.ts'
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

type TestParts = AttemptParts & { readonly shares: Shares }

/** Answers to the gateway's own questions are nobody's: no account has this id. */
const nobody = { accountId: 0, id: 0 }

interface Question {
  readonly dialect: DialectName
  readonly operation: Operation
  readonly body: (model: string) => object
}

const words = 'hi'
/** The smallest call of each dialect, chat first: a few tokens, no tool, no image. */
const questions: readonly Question[] = [
  {
    dialect: 'openai-chat',
    operation: 'chat',
    body: model => ({ model, max_tokens: 16, messages: [{ role: 'user', content: words }] }),
  },
  {
    dialect: 'anthropic',
    operation: 'chat',
    body: model => ({ model, max_tokens: 16, messages: [{ role: 'user', content: words }] }),
  },
  {
    dialect: 'gemini',
    operation: 'chat',
    body: () => ({
      contents: [{ role: 'user', parts: [{ text: words }] }],
      // Thinking models spend a short limit on thoughts and answer nothing.
      generationConfig: { maxOutputTokens: 512 },
    }),
  },
  {
    dialect: 'openai-responses',
    operation: 'chat',
    body: model => ({ model, max_output_tokens: 16, input: words }),
  },
  {
    dialect: 'openai-chat',
    operation: 'embeddings',
    body: model => ({ model, input: words }),
  },
]

/**
 * Asks a channel for a few tokens by each of its keys and tells its health what came of it, as any attempt does. Nobody is charged.
 * `undefined` when it offers nothing that a small question fits.
 */
export async function testChannel(
  parts: TestParts,
  channel: Channel,
): Promise<readonly ChannelTest[] | undefined> {
  const model = testModelOf(channel)
  const upstreamModel = model === undefined ? undefined : mapModel(channel, model)
  const question = upstreamModel === undefined ? undefined : questionFor(channel, upstreamModel)
  if (upstreamModel === undefined || question === undefined) return undefined
  const tests: ChannelTest[] = []
  for (const key of channel.keys) tests.push(await ask(parts, { channel, key, upstreamModel, question }))
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
  return fitting.find(question => isOffered(channel, askOf(channel, model, question)))
}

const isEmbedding = /embed|^bge-|^m3e/i

function isOffered(channel: Channel, asked: Ask): boolean {
  if (channel.dialect !== undefined && channel.dialect !== asked.dialect) return false
  return offers(channel.provider, asked)
}

function askOf(channel: Channel, model: string, { dialect, operation }: Question): Ask {
  const { baseUrl, settings } = channel
  return { dialect, operation, model, isStreaming: false, baseUrl, settings, query: new URLSearchParams() }
}

interface Testing {
  readonly channel: Channel
  readonly key: ChannelKey
  readonly upstreamModel: string
  readonly question: Question
}

function ask(parts: TestParts, { channel, key, upstreamModel, question }: Testing): Promise<ChannelTest> {
  const candidate = { channel, key, upstreamModel, group: '' }
  const ticket = parts.routing.begin(candidate)
  const startedAt = parts.clock()
  const { promise, resolve } = Promise.withResolvers<ChannelTest>()
  const share = parts.shares.open(nobody)
  const end = (result: Pick<ChannelTest, 'class' | 'status' | 'message'>) => {
    share.close()
    resolve({
      channel: channel.name,
      keyFingerprint: key.fingerprint,
      model: upstreamModel,
      ms: Math.round(parts.clock() - startedAt),
      ...result,
    })
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
  const listener = createWholeListener({ dialect: dialects[question.dialect], limits, budget: share, owner })
  const bytes = Buffer.from(JSON.stringify(question.body(upstreamModel)))
  const body = { pieces: [bytes], length: bytes.length, hidesUsage: false, removed: [] }
  const asked = askOf(channel, upstreamModel, question)
  const onOver = () => parts.routing.release(ticket)
  call = send(parts, { candidate, ask: asked, body, client: () => undefined, startedAt, onOver }, listener)
  return promise
}
