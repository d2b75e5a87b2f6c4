import type { CallError, UpstreamCall } from './call.ts'
import type { StreamAnswer } from './streamed.ts'
import type { WholeAnswer } from './whole.ts'

/** Who waits for what comes of one call. */
export interface AnswerOwner {
  /** Only once the upstream has answered. */
  readonly call: UpstreamCall
  /** Ends the call, where there is one. */
  abort(): void
  /** The upstream accepted and begins to stream. */
  onStreaming(): void
  onAnswer(answer: WholeAnswer | StreamAnswer): void
  /** `refusal` is the upstream's own body, where it sent one that is small enough to be passed on. */
  onFailure(error: CallError, refusal: Buffer | undefined): void
}
