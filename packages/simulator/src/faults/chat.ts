import { isObject, type JsonObject, objectsIn } from '../json.ts'
import { usageWire } from '../openai-chat/whole.ts'
import type { Reply } from '../reply.ts'
import type { Script } from '../script.ts'
import { edit, editDeltas, prepend, without } from './events.ts'
import { type Place, withFrames, withItems, withText } from './fault.ts'

/** Usage on the chunk with the finish reason, asked for or not, as several vendors send it. */
export function usageInFinish(reply: Reply, place: Place): Reply {
  const { script, protocol } = place
  const { usage } = script
  if (protocol !== 'openai-chat' || usage === undefined) return reply
  const stated: unknown = JSON.parse(usageWire(usage).wire)
  const added = edit((data, frame) => (frame.role === 'finish' ? { ...data, usage: stated } : data))
  return without('usage')(added(reply), place)
}

/** The last piece of text and the finish reason in one. */
export function contentInFinish(reply: Reply, { protocol }: Place): Reply {
  if (protocol !== 'openai-chat') return reply
  return editDeltas((delta, frame) => (frame.role === 'finish' ? { ...delta, content: ' The end.' } : delta))(
    reply,
  )
}

/** Azure begins with the result of its prompt filter. */
export function filterFirst(reply: Reply, { protocol, script }: Place): Reply {
  if (protocol !== 'openai-chat') return reply
  const filtered = { hate: { filtered: false, severity: 'safe' } }
  const results = [{ prompt_index: 0, content_filter_results: filtered }]
  const { model } = script
  const chunk = { id: '', object: '', created: 0, model, choices: [], prompt_filter_results: results }
  return withItems(reply, prepend(chunk))
}

export function withoutRole(reply: Reply, { protocol }: Place): Reply {
  if (protocol !== 'openai-chat') return reply
  return withFrames(reply, frame => (frame.role === 'open' ? [] : [frame]))
}

/** Tool calls without one of their members. */
export function withoutCallMember(name: 'index' | 'id'): (reply: Reply, place: Place) => Reply {
  const strip = (call: JsonObject) =>
    Object.fromEntries(Object.entries(call).filter(([member]) => member !== name))
  return (reply, { protocol }) => {
    if (protocol !== 'openai-chat') return reply
    const calls = editDeltas(delta =>
      'tool_calls' in delta ? { ...delta, tool_calls: objectsIn(delta.tool_calls).map(strip) } : delta,
    )
    return calls(reply)
  }
}

/** Arguments as an object where a string is due; in a stream they come with the opening, and only there. */
export function objectArguments(reply: Reply, { protocol, script }: Place): Reply {
  if (protocol !== 'openai-chat') return reply
  const change = (call: JsonObject): JsonObject => {
    const definition = call.function
    if (!isObject(definition)) return call
    const input = script.calls.find(scripted => scripted.name === definition.name)?.input ?? '{}'
    return { ...call, function: { ...definition, arguments: JSON.parse(input) } }
  }
  const whole = withText(reply, text =>
    JSON.stringify(
      JSON.parse(text, (key, value) => (key === 'tool_calls' ? objectsIn(value).map(change) : value)),
    ),
  )
  const opening = editDeltas(delta => {
    const calls = objectsIn(delta.tool_calls).map(call =>
      'id' in call ? change(call) : { index: call.index, function: {} },
    )
    return calls.length > 0 ? { ...delta, tool_calls: calls } : delta
  })
  return opening(whole)
}

/** Streamed arguments of which the end, or everything, is missing. */
export function cutArguments(keep: 'most' | 'none'): (script: Script) => Script {
  return script => ({
    ...script,
    calls: script.calls.map(call => ({ ...call, deltas: keep === 'none' ? [] : call.deltas.slice(0, -1) })),
  })
}
