import { Buffer } from 'node:buffer'
import { type Finish, type Script, type ScriptedCall, textOf, type Usage } from '../script.ts'
import { list, nothing, raw, type Wire, wire } from '../wire.ts'

export const finishReasons = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  tools: 'tool_calls',
  refusal: 'stop',
  filter: 'content_filter',
} as const satisfies Record<Finish, string>

/** A `chat.completion`. */
export function chatWhole(script: Script): string {
  const choices = Array.from({ length: script.choices }, (_, index) => choiceWire(script, index))
  const usage = script.usage === undefined ? nothing : wire`,"usage":${usageWire(script.usage)}`
  return wire`{"id":${`chatcmpl-${script.digest}`},"object":"chat.completion","created":${script.created},
    "model":${script.model},"choices":${list(choices)}${usage},
    "service_tier":"default","system_fingerprint":"fp_simulator"}`.wire
}

/** `prompt_tokens` and `completion_tokens` are wholes; the details are parts of them. */
export function usageWire(usage: Usage): Wire {
  return wire`{"prompt_tokens":${usage.input},"completion_tokens":${usage.output},
    "total_tokens":${usage.input + usage.output},
    "prompt_tokens_details":{"cached_tokens":${usage.cacheRead},"cache_write_tokens":${usage.cacheWrite},
      "audio_tokens":0},
    "completion_tokens_details":{"reasoning_tokens":${usage.reasoning},"audio_tokens":0,
      "accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`
}

export function logprobsWire(tokens: Iterable<string>): Wire {
  return wire`{"content":${list(Array.from(tokens, tokenWire))},"refusal":null}`
}

/** One token with its probability, the same in Chat Completions and Responses. */
export function tokenWire(token: string): Wire {
  return wire`{"token":${token},"logprob":-0.25,"bytes":${[...Buffer.from(token)]},"top_logprobs":[]}`
}

export function chatCallId(call: ScriptedCall, choice: number): string {
  return `call_${call.id}${choice === 0 ? '' : `c${choice}`}`
}

function choiceWire(script: Script, choice: number): Wire {
  const text = textOf(script, choice)
  const isRefused = script.finish === 'refusal'
  const thought = choice > 0 || script.reasoning.length === 0 ? nothing : thoughtWire(script)
  const content = isRefused || script.calls.length > 0 ? null : text
  const calls = script.calls.length === 0 ? nothing : callsWire(script.calls, choice)
  const logprobs = script.hasLogprobs ? logprobsWire(script.text(choice)) : null
  return wire`{"index":${choice},"message":{"role":"assistant"${thought},"content":${content}${calls},
    "refusal":${isRefused ? text : null},"annotations":[]},
    "logprobs":${logprobs},"finish_reason":${finishReasons[script.finish]}}`
}

function thoughtWire(script: Script): Wire {
  return wire`,"reasoning_content":${script.reasoning.join('')}`
}

function callsWire(calls: readonly ScriptedCall[], choice: number): Wire {
  const items = calls.map(call => {
    const body =
      call.kind === 'custom'
        ? wire`"custom","custom":{"name":${call.name},"input":${call.input}}`
        : wire`"function","function":{"name":${call.name},"arguments":${call.input}}`
    return wire`{"id":${chatCallId(call, choice)},"type":${raw(body.wire)}}`
  })
  return wire`,"tool_calls":${list(items)}`
}
