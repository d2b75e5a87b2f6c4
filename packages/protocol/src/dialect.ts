import type { RenderedError, ToldError, UpstreamError } from './errors.ts'
import type { Usage } from './usage.ts'

/** A wire protocol. */
export const dialectNames = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const
export type DialectName = (typeof dialectNames)[number]

/**
 * What one event of an upstream's stream means to whoever passes it on.
 * - `prelude`: nothing for the client's user yet (role chunk, `message_start`, pings); before the commit point it waits
 * - `content`: text, reasoning, refusal, tool call or media; the first one is the commit point
 * - `usage`: a chunk that carries nothing but usage (the one that `include_usage` asks for)
 * - `finish`: the event that ends the last open choice; from here on the tail is held until it is settled
 * - `end`: the protocol's terminator (`[DONE]`, `message_stop`, a terminal Responses event): nothing after it is waited for
 * - `error`: an error object inside the stream; `tap.error` says which
 */
export type Reading = 'prelude' | 'content' | 'usage' | 'finish' | 'end' | 'error'

/** Reads a passing stream without changing it. One per attempt; not shared. */
export interface StreamTap {
  /** `data`: the joined payload of one SSE event (or one element of Gemini's array); `event`: its `event:` field, or ''. */
  read(data: string, event: string): Reading
  /** What the upstream has reported so far; the last value of each field wins. `undefined` while it reported nothing. */
  readonly usage: Usage | undefined
  /** Everything the model generated so far as plain text: content, reasoning, refusals, tool names and arguments. */
  readonly text: string
  /** Whether every choice has ended by its own finish reason. */
  readonly isFinished: boolean
  /** Set once a `read` answered `error`. */
  readonly error: UpstreamError | undefined
}

/** The part of a dialect that passthrough needs: errors, usage, and the tap of its streams. Pure. */
export interface Dialect {
  readonly name: DialectName
  /** The body and HTTP status with which a client of this dialect learns of `error`, as its official SDKs parse it. */
  renderError(error: ToldError): RenderedError
  /**
   * The same inside a stream whose head is sent: complete SSE text, with the terminator where the grammar has one. `tap`: of the
   * attempt whose events the client was sent, so that Responses can close what it opened; left out when none were sent.
   */
  renderErrorFrame(error: ToldError, tap?: StreamTap): string
  /** An upstream's refusal → neutral class (conversion table of errors). `body` is the parsed JSON, or the text when it is none. */
  parseError(status: number, body: unknown): UpstreamError
  /** An error object inside an answer with status 200, or `undefined` when the answer is none. */
  findError(body: unknown): UpstreamError | undefined
  /**
   * Usage of a whole answer; `undefined` when it reports none. `usage` is the value of the member `usageKey`; `whole`, where at hand,
   * the answer around it: some of what is billed (tier, server tools, cached tokens of some vendors) stands beside the usage.
   */
  parseUsage(usage: unknown, whole?: unknown): Usage | undefined
  /** The top-level member of a whole answer that holds usage: `usage`, `usageMetadata`. */
  readonly usageKey: string
  /** Plain text of everything generated in a whole answer, for counting where the upstream reports no usage. */
  textOf(answer: unknown): string
  /** A keep-alive that this dialect's clients skip: an SSE comment, or `event: ping`. Complete SSE text. */
  readonly ping: string
  /** `choices`: how many choices the stream must finish (`n`, `candidateCount`). */
  tap(choices: number): StreamTap
}
