import type { Frame, FrameRole } from '../reply.ts'
import type { Script } from '../script.ts'
import { signatureFor } from '../signature.ts'
import { nothing, raw, type Wire, wire } from '../wire.ts'
import { deltaUsageWire, stopMembers, toolUseHead, usageWire } from './whole.ts'

interface Block {
  readonly start: Wire
  readonly deltas: Iterable<Wire>
}

/** `message_start`, blocks one after another, `message_delta` with the final numbers, `message_stop`. */
export function* anthropicFrames(script: Script): Generator<Frame> {
  const opening = script.usage === undefined ? undefined : { ...script.usage, output: 1, reasoning: 0 }
  const usage = opening === undefined ? nothing : wire`,"usage":${usageWire(opening)}`
  yield frame(
    'open',
    'message_start',
    wire`,"message":{"id":${`msg_${script.digest}`},"type":"message",
    "role":"assistant","model":${script.model},"content":[],"stop_reason":null,"stop_sequence":null,
    "stop_details":null,"container":null,"diagnostics":null${usage}}`,
  )
  let index = 0
  for (const block of blocksOf(script)) {
    yield frame('delta', 'content_block_start', wire`,"index":${index},"content_block":${block.start}`)
    if (index === 0) yield frame('delta', 'ping', nothing)
    for (const delta of block.deltas) {
      yield frame('delta', 'content_block_delta', wire`,"index":${index},"delta":${delta}`)
    }
    yield frame('delta', 'content_block_stop', wire`,"index":${index}`)
    index++
  }
  const final = script.usage === undefined ? nothing : wire`,"usage":${deltaUsageWire(script.usage)}`
  yield frame('finish', 'message_delta', wire`,"delta":{${stopMembers(script)},"container":null}${final}`)
  yield frame('end', 'message_stop', nothing)
}

function frame(role: FrameRole, type: string, members: Wire): Frame {
  return { kind: 'frame', role, event: type, data: wire`{"type":${type}${members}}`.wire }
}

function* blocksOf(script: Script): Generator<Block> {
  if (script.reasoning.length > 0) {
    yield { start: raw('{"type":"thinking","thinking":"","signature":""}'), deltas: thinkingDeltas(script) }
  }
  const isSilent = script.calls.length > 0
  const first = isSilent ? undefined : script.text(0)[Symbol.iterator]().next()
  if (first !== undefined && first.done !== true) {
    yield { start: raw('{"type":"text","text":"","citations":null}'), deltas: textDeltas(script) }
  }
  for (const call of script.calls) {
    const deltas = call.deltas.map(piece => wire`{"type":"input_json_delta","partial_json":${piece}}`)
    const start = wire`{${toolUseHead(call)},"input":{},"caller":{"type":"direct"}}`
    yield { start, deltas: [raw('{"type":"input_json_delta","partial_json":""}'), ...deltas] }
  }
}

function* thinkingDeltas(script: Script): Generator<Wire> {
  for (const thinking of script.reasoning) yield wire`{"type":"thinking_delta","thinking":${thinking}}`
  yield wire`{"type":"signature_delta","signature":${signatureFor(script.reasoning.join(''))}}`
}

function* textDeltas(script: Script): Generator<Wire> {
  for (const text of script.text(0)) yield wire`{"type":"text_delta","text":${text}}`
}
