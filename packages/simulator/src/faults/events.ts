import { isObject, type JsonObject, objectsIn } from '../json.ts'
import { errorKinds, messageOf, renderTrouble, type Trouble } from '../refusal.ts'
import { type Frame, type Item, type Newline, type Reply, type Step, sseText } from '../reply.ts'
import { type Place, withFrames, withItems } from './fault.ts'

const end: Step = { kind: 'end', bytes: undefined }

export function errorFirst(reply: Reply, place: Place): Reply {
  return withItems(reply, () => [errorFrame({ kind: 'overloaded' }, place, undefined), end])
}

export function errorLater(reply: Reply, place: Place): Reply {
  return withItems(reply, function* (items) {
    let first: Frame | undefined
    let count = 0
    for (const item of items) {
      if (item.kind === 'frame' && count++ >= place.number) break
      if (item.kind === 'frame') first ??= item
      yield item
    }
    yield errorFrame({ kind: 'server' }, place, first)
    yield end
  })
}

/** Responses fails with the whole response once it was created, with a bare error before. */
function errorFrame(trouble: Trouble, { protocol, script, number }: Place, first: Frame | undefined): Frame {
  const frame = (event: string | undefined, data: string): Frame => ({
    kind: 'frame',
    role: 'end',
    event,
    data,
  })
  const message = messageOf(trouble, protocol)
  if (protocol === 'anthropic')
    return frame('error', renderTrouble(trouble, protocol, `req_${script.digest}`))
  if (protocol !== 'openai-responses')
    return frame(undefined, renderTrouble(trouble, protocol, script.digest))
  const created = first === undefined ? undefined : parsed(first)?.response
  const code = errorKinds[trouble.kind].openai[2] ?? 'server_error'
  if (!isObject(created)) {
    return frame('error', JSON.stringify({ type: 'error', sequence_number: 0, code, message, param: null }))
  }
  const response = { ...created, status: 'failed', error: { code, message } }
  return frame(
    'response.failed',
    JSON.stringify({ type: 'response.failed', sequence_number: number, response }),
  )
}

export function twice(reply: Reply): Reply {
  return withFrames(reply, frame => (frame.role === 'delta' ? [frame, frame] : [frame]))
}

export function without(...roles: readonly Frame['role'][]): (reply: Reply, place: Place) => Reply {
  return reply => withFrames(reply, frame => (roles.includes(frame.role) ? [] : [frame]))
}

/** Google has no terminator; there the object with the finish reason stays away. */
export function withoutEnd(reply: Reply, place: Place): Reply {
  return without(place.protocol === 'gemini' ? 'finish' : 'end')(reply, place)
}

/** Responses says how it ended in its last event only. */
export function withoutFinish(reply: Reply, place: Place): Reply {
  return without(place.protocol === 'openai-responses' ? 'end' : 'finish')(reply, place)
}

export function garbageAt(reply: Reply, { number }: Place): Reply {
  return withFrames(reply, (frame, index) =>
    index + 1 === number ? [{ ...frame, data: '{"id":"half an obj' }] : [frame],
  )
}

export function afterEnd(reply: Reply): Reply {
  return withItems(reply, function* (items) {
    let last: Frame | undefined
    for (const item of items) {
      if (item.kind === 'frame' && item.role === 'delta') last = item
      yield item
    }
    if (last !== undefined) yield last
  })
}

/** The same piece of text for ever, `number` milliseconds apart. */
export function endless(reply: Reply, { number, protocol }: Place): Reply {
  const textType = protocol === 'anthropic' ? 'content_block_delta' : 'response.output_text.delta'
  return withItems(reply, function* (items) {
    for (const item of items) {
      yield item
      const isText = item.kind === 'frame' && item.role === 'delta' && (item.event ?? textType) === textType
      while (isText) yield* [{ kind: 'wait', ms: number } as const, item]
    }
  })
}

/** Writes each event in other words of the same standard. Google's arrays are no events. */
function written(write: (frame: Frame, newline: Newline, index: number) => string): (reply: Reply) => Reply {
  return reply => {
    const { body } = reply
    if (body.kind === 'whole' || body.encoding === 'array') return reply
    return withFrames(reply, (frame, index) => [{ ...frame, text: write(frame, body.newline, index) }])
  }
}

export const mixedNewlines = written((frame, _, index) =>
  sseText(frame, (['\n', '\r\n', '\r'] as const)[index % 3]),
)

export const noSpace = written((frame, newline) =>
  sseText(frame, newline).replaceAll(/^(event|data): /gm, '$1:'),
)

export const byteOrderMark = written(
  (frame, newline, index) => `${index === 0 ? '\ufeff' : ''}${sseText(frame, newline)}`,
)

export const otherFields = written(
  (frame, newline, index) =>
    `id: ${index}${newline}retry: 3000${newline}x-unknown: 1${newline}${sseText(frame, newline)}`,
)

/** JSON broken behind its first brace, which the standard joins again by a line feed. */
export const manyDataLines = written((frame, newline) => {
  const data = frame.data.replace('{', `{${newline}data: `)
  return sseText({ ...frame, data }, newline)
})

export function commentFlood(reply: Reply, { number }: Pick<Place, 'number'>): Reply {
  return written((frame, newline) => `: ping${newline}${newline}`.repeat(number) + sseText(frame, newline))(
    reply,
  )
}

export function pingFlood(reply: Reply, { number, protocol }: Place): Reply {
  if (protocol !== 'anthropic') return commentFlood(reply, { number })
  const ping: Frame = { kind: 'frame', role: 'delta', event: 'ping', data: '{"type":"ping"}' }
  return withFrames(reply, frame => [
    frame,
    ...Array.from({ length: frame.role === 'end' ? 0 : number }, () => ping),
  ])
}

export function unknownEvents(reply: Reply, { protocol }: Place): Reply {
  const event =
    protocol === 'anthropic' || protocol === 'openai-responses' ? 'simulator.unheard_of' : undefined
  const data = JSON.stringify({ type: 'simulator.unheard_of', object: 'unheard.of', news: [1, { a: null }] })
  return withFrames(reply, frame =>
    frame.role === 'end' ? [frame] : [frame, { ...frame, role: 'delta', event, data }],
  )
}

const emptied = {
  'openai-chat': 'choices',
  'openai-responses': 'delta',
  anthropic: 'delta',
  gemini: 'candidates',
} as const

/** After each event once more the same one with nothing in it. */
export function nullContents(reply: Reply, { protocol }: Place): Reply {
  const name = emptied[protocol]
  return withFrames(reply, frame => {
    const data = frame.role === 'delta' ? parsed(frame) : undefined
    if (data === undefined || !(name in data)) return [frame]
    return [frame, { ...frame, data: JSON.stringify({ ...data, [name]: null }) }]
  })
}

/** `changed` data of the events that `change` speaks about; the others stay. */
export function edit(change: (data: JsonObject, frame: Frame) => JsonObject): (reply: Reply) => Reply {
  return reply =>
    withFrames(reply, frame => {
      const data = parsed(frame)
      return [data === undefined ? frame : { ...frame, data: JSON.stringify(change(data, frame)) }]
    })
}

/** Changes the deltas of a chat chunk. */
export function editDeltas(change: (delta: JsonObject, frame: Frame) => JsonObject): (reply: Reply) => Reply {
  return edit((data, frame) => {
    const choices = objectsIn(data.choices).map(choice =>
      isObject(choice.delta) ? { ...choice, delta: change(choice.delta, frame) } : choice,
    )
    return 'choices' in data ? { ...data, choices } : data
  })
}

export function prepend(data: JsonObject): (items: Iterable<Item>) => Iterable<Item> {
  return function* (items) {
    yield { kind: 'frame', role: 'open', event: undefined, data: JSON.stringify(data) }
    yield* items
  }
}

function parsed(frame: Frame): JsonObject | undefined {
  if (!frame.data.startsWith('{')) return undefined
  const data: unknown = JSON.parse(frame.data)
  return isObject(data) ? data : undefined
}
