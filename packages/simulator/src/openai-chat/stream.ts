import type { Frame, FrameRole } from '../reply.ts'
import type { Script, ScriptedCall } from '../script.ts'
import { raw, type Wire, wire } from '../wire.ts'
import { chatCallId, finishReasons, logprobsWire, usageWire } from './whole.ts'

interface ChunkParts {
  readonly start: string
  readonly end: string
}

/** Chunks, choices in turns, then the usage chunk if asked for, then `[DONE]`. */
export function* chatFrames(
  script: Script,
  { includeUsage }: { readonly includeUsage: boolean },
): Generator<Frame> {
  const start = wire`{"id":${`chatcmpl-${script.digest}`},"object":"chat.completion.chunk",
    "created":${script.created},"model":${script.model},"service_tier":"default",
    "system_fingerprint":"fp_simulator","choices":`.wire
  const parts = { start, end: includeUsage ? ',"usage":null}' : '}' }
  yield* inTurns(Array.from({ length: script.choices }, (_, choice) => choiceFrames(script, choice, parts)))
  if (includeUsage && script.usage !== undefined) {
    yield chunk('usage', `${start}[],"usage":${usageWire(script.usage).wire}}`)
  }
  yield chunk('end', '[DONE]')
}

/** One frame of each stream in turn, until all have ended. */
export function* inTurns(streams: readonly Generator<Frame>[]): Generator<Frame> {
  let open = streams
  while (open.length > 0) {
    const next: Generator<Frame>[] = []
    for (const stream of open) {
      const taken = stream.next()
      if (taken.done === true) continue
      yield taken.value
      next.push(stream)
    }
    open = next
  }
}

export function chunk(role: FrameRole, data: string): Frame {
  return { kind: 'frame', role, event: undefined, data }
}

function* choiceFrames(script: Script, choice: number, parts: ChunkParts): Generator<Frame> {
  const send = (role: FrameRole, delta: Wire, logprobs: Wire = raw('null')) =>
    chunk(role, choiceText({ parts, choice, delta, logprobs, finish: null }))
  yield send('open', wire`{"role":"assistant","content":"","refusal":null}`)
  if (choice === 0) {
    for (const thought of script.reasoning) yield send('delta', wire`{"reasoning_content":${thought}}`)
  }
  const field = script.finish === 'refusal' ? raw('"refusal"') : raw('"content"')
  for (const text of script.text(choice)) {
    const logprobs = script.hasLogprobs ? logprobsWire([text]) : raw('null')
    yield send('delta', wire`{${field}:${text}}`, logprobs)
  }
  for (const [index, call] of script.calls.entries()) {
    for (const delta of callDeltas(call, index, choice)) yield send('delta', delta)
  }
  const finish = finishReasons[script.finish]
  yield chunk('finish', choiceText({ parts, choice, delta: raw('{}'), logprobs: raw('null'), finish }))
}

interface ChoiceText {
  readonly parts: ChunkParts
  readonly choice: number
  readonly delta: Wire
  readonly logprobs: Wire
  readonly finish: string | null
}

function choiceText({ parts, choice, delta, logprobs, finish }: ChoiceText): string {
  return `${parts.start}${
    wire`[{"index":${choice},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}}]`.wire
  }${parts.end}`
}

/** The opening once, with id and name, then only pieces of the arguments. */
function* callDeltas(call: ScriptedCall, index: number, choice: number): Generator<Wire> {
  const id = chatCallId(call, choice)
  if (call.kind === 'custom') {
    yield wire`{"tool_calls":[{"index":${index},"id":${id},"type":"custom",
      "custom":{"name":${call.name},"input":""}}]}`
    for (const piece of call.deltas)
      yield wire`{"tool_calls":[{"index":${index},"custom":{"input":${piece}}}]}`
    return
  }
  yield wire`{"tool_calls":[{"index":${index},"id":${id},"type":"function",
    "function":{"name":${call.name},"arguments":""}}]}`
  for (const piece of call.deltas)
    yield wire`{"tool_calls":[{"index":${index},"function":{"arguments":${piece}}}]}`
}
