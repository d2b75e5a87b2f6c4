import type { Finish, Script, ScriptedCall, Usage } from '../script.ts'
import { textOf } from '../script.ts'
import { signatureFor } from '../signature.ts'
import { list, nothing, raw, type Wire, wire } from '../wire.ts'

const stopReasons = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  tools: 'tool_use',
  refusal: 'refusal',
  filter: 'refusal',
} as const satisfies Record<Finish, string>

/** A `message`. */
export function anthropicWhole(script: Script): string {
  const usage = script.usage === undefined ? nothing : wire`,"usage":${usageWire(script.usage)}`
  return wire`{"id":${`msg_${script.digest}`},"type":"message","role":"assistant","model":${script.model},
    "content":${list(blocksOf(script))},${stopMembers(script)},"container":null,"diagnostics":null${usage}}`
    .wire
}

/** `input_tokens` leaves both cache parts out; `output_tokens` holds the thinking. */
export function usageWire(usage: Usage): Wire {
  return wire`{${inputMembers(usage)},
    "cache_creation":{"ephemeral_5m_input_tokens":${usage.cacheWrite},"ephemeral_1h_input_tokens":0},
    "output_tokens":${usage.output},${detailMembers(usage)},"service_tier":"standard","inference_geo":null,
    "speed":null}`
}

/** The cumulative numbers of `message_delta`. */
export function deltaUsageWire(usage: Usage): Wire {
  return wire`{${inputMembers(usage)},"output_tokens":${usage.output},${detailMembers(usage)}}`
}

export function stopMembers(script: Script): Wire {
  const sequence = script.finish === 'stop-sequence' ? script.stopSequence : null
  const isRefused = script.finish === 'refusal' || script.finish === 'filter'
  const details = isRefused
    ? wire`{"type":"refusal","category":null,"explanation":"The simulator was asked to refuse."}`
    : null
  return wire`"stop_reason":${stopReasons[script.finish]},"stop_sequence":${sequence},
    "stop_details":${details}`
}

export function toolUseHead(call: ScriptedCall): Wire {
  return wire`"type":"tool_use","id":${`toolu_${call.id}`},"name":${call.name}`
}

function inputMembers(usage: Usage): Wire {
  const fresh = usage.input - usage.cacheRead - usage.cacheWrite
  return wire`"input_tokens":${fresh},"cache_creation_input_tokens":${usage.cacheWrite},
    "cache_read_input_tokens":${usage.cacheRead}`
}

function detailMembers(usage: Usage): Wire {
  const details = usage.reasoning === 0 ? null : wire`{"thinking_tokens":${usage.reasoning}}`
  return wire`"output_tokens_details":${details},"server_tool_use":null`
}

function blocksOf(script: Script): readonly Wire[] {
  const blocks: Wire[] = []
  const thought = script.reasoning.join('')
  if (thought !== '') {
    blocks.push(wire`{"type":"thinking","thinking":${thought},"signature":${signatureFor(thought)}}`)
  }
  const text = textOf(script)
  if (text !== '') blocks.push(wire`{"type":"text","text":${text},"citations":null}`)
  const calls = script.calls.map(
    call => wire`{${toolUseHead(call)},"input":${raw(call.input)},"caller":{"type":"direct"}}`,
  )
  return [...blocks, ...calls]
}
