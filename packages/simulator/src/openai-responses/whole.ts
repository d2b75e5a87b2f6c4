import type { JsonObject } from '../json.ts'
import { tokenWire } from '../openai-chat/whole.ts'
import { type Script, type ScriptedCall, textOf, type Usage } from '../script.ts'
import { signatureFor } from '../signature.ts'
import { list, nothing, raw, type Wire, wire } from '../wire.ts'

/** What the answer repeats of the request, and whether reasoning comes with its encrypted state. */
export interface Echo {
  readonly body: JsonObject
  readonly showsState: boolean
}

export interface ResponseState {
  readonly status: 'in_progress' | 'completed' | 'incomplete'
  readonly output: readonly Wire[]
  readonly usage: Usage | undefined
}

/** A `response` object. */
export function responsesWhole(script: Script, echo: Echo): string {
  return responseWire(script, echo, endState(script, outputOf(script, echo))).wire
}

export function endState(script: Script, output: readonly Wire[]): ResponseState {
  const isCut = script.finish === 'length' || script.finish === 'filter'
  return { status: isCut ? 'incomplete' : 'completed', output, usage: script.usage }
}

export function responseWire(script: Script, { body }: Echo, state: ResponseState): Wire {
  const reason = script.finish === 'length' ? 'max_output_tokens' : 'content_filter'
  const incomplete = state.status === 'incomplete' ? wire`{"reason":${reason}}` : null
  const completedAt = state.status === 'completed' ? script.created + 1 : null
  const usage = state.usage === undefined ? nothing : wire`,"usage":${usageWire(state.usage)}`
  const noUsage = state.status === 'in_progress' ? raw(',"usage":null') : usage
  return wire`{"id":${`resp_${script.digest}`},"object":"response","created_at":${script.created},
    "status":${state.status},"background":false,"completed_at":${completedAt},"error":null,
    "incomplete_details":${incomplete},"instructions":${body.instructions},
    "max_output_tokens":${body.max_output_tokens},"max_tool_calls":${body.max_tool_calls},
    "model":${script.model},"output":${list(state.output)},
    "parallel_tool_calls":${body.parallel_tool_calls ?? true},
    "previous_response_id":${body.previous_response_id},"prompt_cache_key":${body.prompt_cache_key},
    "reasoning":${body.reasoning ?? { effort: null, summary: null }},"safety_identifier":null,
    "service_tier":"default","store":${body.store ?? true},"temperature":${body.temperature ?? 1},
    "text":${body.text ?? { format: { type: 'text' }, verbosity: 'medium' }},
    "tool_choice":${body.tool_choice ?? 'auto'},"tools":${body.tools ?? []},
    "top_logprobs":${body.top_logprobs ?? 0},"top_p":${body.top_p ?? 1},
    "truncation":${body.truncation ?? 'disabled'}${noUsage},"user":null,"metadata":${body.metadata ?? {}}}`
}

function usageWire(usage: Usage): Wire {
  const written =
    usage.cacheWrite === 0
      ? nothing
      : wire`,"cache_write_tokens_details":{"ttl_30m_tokens":${usage.cacheWrite},"ttl_12h_tokens":0}`
  return wire`{"input_tokens":${usage.input},
    "input_tokens_details":{"cached_tokens":${usage.cacheRead},
      "cache_write_tokens":${usage.cacheWrite}${written}},
    "output_tokens":${usage.output},"output_tokens_details":{"reasoning_tokens":${usage.reasoning}},
    "total_tokens":${usage.input + usage.output}}`
}

function outputOf(script: Script, echo: Echo): readonly Wire[] {
  const items: Wire[] = []
  if (script.reasoning.length > 0) items.push(reasoningItem(script, echo, script.reasoning.join('')))
  const text = textOf(script)
  if (text !== '' || script.calls.length === 0) items.push(messageItem(script, text))
  return [...items, ...script.calls.map(call => callItem(call, call.input, 'completed'))]
}

export function reasoningItem(script: Script, { showsState }: Echo, text: string | undefined): Wire {
  const summary = text === undefined ? nothing : wire`{"type":"summary_text","text":${text}}`
  const isStated = showsState && text !== undefined
  const state = isStated ? wire`,"encrypted_content":${signatureFor(`${script.digest}${text}`)}` : nothing
  return wire`{"id":${`rs_${script.digest}`},"type":"reasoning","summary":[${summary}]${state}}`
}

export function messageItem(script: Script, text: string | undefined): Wire {
  const isCut = script.finish === 'length' || script.finish === 'filter'
  const status = text === undefined ? 'in_progress' : isCut ? 'incomplete' : 'completed'
  const content = text === undefined ? nothing : contentPart(script, text)
  return wire`{"id":${`msg_${script.digest}`},"type":"message","status":${status},"role":"assistant",
    "content":[${content}]}`
}

export function contentPart(script: Script, text: string): Wire {
  if (script.finish === 'refusal') return wire`{"type":"refusal","refusal":${text}}`
  const tokens = script.hasLogprobs && text !== '' ? Array.from(script.text(0), tokenWire) : []
  return wire`{"type":"output_text","annotations":[],"logprobs":${list(tokens)},"text":${text}}`
}

export function callItem(call: ScriptedCall, input: string, status: 'in_progress' | 'completed'): Wire {
  return call.kind === 'custom'
    ? wire`{"id":${`ctc_${call.id}`},"type":"custom_tool_call","status":${status},
        "call_id":${`call_${call.id}`},
        "name":${call.name},"input":${input}}`
    : wire`{"id":${`fc_${call.id}`},"type":"function_call","status":${status},"arguments":${input},
        "call_id":${`call_${call.id}`},"name":${call.name}}`
}
