import { tokenWire } from '../openai-chat/whole.ts'
import type { Frame, FrameRole } from '../reply.ts'
import type { Script, ScriptedCall } from '../script.ts'
import { list, type Wire, wire } from '../wire.ts'
import {
  callItem,
  contentPart,
  type Echo,
  endState,
  messageItem,
  reasoningItem,
  responseWire,
} from './whole.ts'

/** An event before it has its number. */
interface Numbered {
  readonly role: FrameRole
  readonly type: string
  /** The members after `type` and `sequence_number`, with a comma in front. */
  readonly members: Wire
}

/** Events with rising `sequence_number`, items one after another, the whole response at the end. */
export function* responsesFrames(script: Script, echo: Echo): Generator<Frame> {
  let sequence = 0
  for (const { role, type, members } of eventsOf(script, echo)) {
    const data = wire`{"type":${type},"sequence_number":${sequence++}${members}}`.wire
    yield { kind: 'frame', role, event: type, data }
  }
}

function* eventsOf(script: Script, echo: Echo): Generator<Numbered> {
  const opening = responseWire(script, echo, { status: 'in_progress', output: [], usage: undefined })
  yield event('open', 'response.created', wire`,"response":${opening}`)
  yield event('open', 'response.in_progress', wire`,"response":${opening}`)
  const output: Wire[] = []
  if (script.reasoning.length > 0) output.push(yield* reasoningEvents(script, echo, output.length))
  const isSilent = script.calls.length > 0
  if (!isSilent) output.push(yield* messageEvents(script, output.length))
  for (const call of script.calls) output.push(yield* callEvents(call, output.length))
  const state = endState(script, output)
  yield event('end', `response.${state.status}`, wire`,"response":${responseWire(script, echo, state)}`)
}

function event(role: FrameRole, type: string, members: Wire): Numbered {
  return { role, type, members }
}

function* reasoningEvents(script: Script, echo: Echo, index: number): Generator<Numbered, Wire> {
  const place = wire`,"item_id":${`rs_${script.digest}`},"output_index":${index},"summary_index":0`
  yield event(
    'delta',
    'response.output_item.added',
    itemMembers(index, reasoningItem(script, echo, undefined)),
  )
  const part = (text: string) => wire`${place},"part":{"type":"summary_text","text":${text}}`
  yield event('delta', 'response.reasoning_summary_part.added', part(''))
  for (const delta of script.reasoning) {
    yield event('delta', 'response.reasoning_summary_text.delta', wire`${place},"delta":${delta}`)
  }
  const text = script.reasoning.join('')
  yield event('delta', 'response.reasoning_summary_text.done', wire`${place},"text":${text}`)
  yield event('delta', 'response.reasoning_summary_part.done', part(text))
  const item = reasoningItem(script, echo, text)
  yield event('delta', 'response.output_item.done', itemMembers(index, item))
  return item
}

function* messageEvents(script: Script, index: number): Generator<Numbered, Wire> {
  const place = wire`,"item_id":${`msg_${script.digest}`},"output_index":${index},"content_index":0`
  const isRefused = script.finish === 'refusal'
  const kind = isRefused ? 'response.refusal' : 'response.output_text'
  yield event('delta', 'response.output_item.added', itemMembers(index, messageItem(script, undefined)))
  yield event('delta', 'response.content_part.added', wire`${place},"part":${contentPart(script, '')}`)
  const pieces: string[] = []
  for (const delta of script.text(0)) {
    pieces.push(delta)
    const logprobs = isRefused
      ? wire``
      : wire`,"logprobs":${list(script.hasLogprobs ? [tokenWire(delta)] : [])}`
    yield event('delta', `${kind}.delta`, wire`${place},"delta":${delta}${logprobs}`)
  }
  const text = pieces.join('')
  const done = isRefused ? wire`,"refusal":${text}` : wire`,"text":${text},"logprobs":[]`
  yield event('delta', `${kind}.done`, wire`${place}${done}`)
  yield event('delta', 'response.content_part.done', wire`${place},"part":${contentPart(script, text)}`)
  const item = messageItem(script, text)
  yield event('delta', 'response.output_item.done', itemMembers(index, item))
  return item
}

function* callEvents(call: ScriptedCall, index: number): Generator<Numbered, Wire> {
  const isCustom = call.kind === 'custom'
  const place = wire`,"item_id":${`${isCustom ? 'ctc' : 'fc'}_${call.id}`},"output_index":${index}`
  const kind = isCustom ? 'response.custom_tool_call_input' : 'response.function_call_arguments'
  yield event('delta', 'response.output_item.added', itemMembers(index, callItem(call, '', 'in_progress')))
  for (const delta of call.deltas) yield event('delta', `${kind}.delta`, wire`${place},"delta":${delta}`)
  const done = isCustom ? wire`,"input":${call.input}` : wire`,"name":${call.name},"arguments":${call.input}`
  yield event('delta', `${kind}.done`, wire`${place}${done}`)
  const item = callItem(call, call.input, 'completed')
  yield event('delta', 'response.output_item.done', itemMembers(index, item))
  return item
}

function itemMembers(index: number, item: Wire): Wire {
  return wire`,"output_index":${index},"item":${item}`
}
