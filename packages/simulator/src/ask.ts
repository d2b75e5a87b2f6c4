import type { Frame } from './reply.ts'
import type { Script } from './script.ts'

export interface Tool {
  readonly name: string
  readonly kind: 'function' | 'custom'
  readonly schema: unknown
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string }

/** What decides the content of an answer, whatever protocol it was asked in. */
export interface Facts {
  readonly model: string
  readonly isStream: boolean
  /** `n`, `candidateCount`; `undefined` when not asked for. */
  readonly choices: number | undefined
  readonly outputMax: number | undefined
  readonly tools: readonly Tool[]
  readonly toolChoice: ToolChoice
  /** The conversation ends with results of tools: now text is due. */
  readonly endsWithToolResult: boolean
  readonly lastUserText: string
  /** One description for each image of the request, e.g. `image/png, 70 bytes`. */
  readonly images: readonly string[]
  readonly inputCharacters: number
  readonly wantsLogprobs: boolean
  readonly stopSequence: string | undefined
}

/** A request that was understood and found valid, and the two ways to answer it. */
export interface Asked {
  readonly facts: Facts
  readonly whole: (script: Script) => string
  readonly frames: (script: Script) => Iterable<Frame>
}

export const plainFacts = {
  isStream: false,
  choices: undefined,
  outputMax: undefined,
  tools: [],
  toolChoice: 'auto',
  endsWithToolResult: false,
  lastUserText: '',
  images: [],
  inputCharacters: 0,
  wantsLogprobs: false,
  stopSequence: undefined,
} as const satisfies Omit<Facts, 'model'>
