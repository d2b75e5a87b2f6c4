import { Buffer } from 'node:buffer'
import { cutInto, together } from '../passes.ts'
import { bytesOf, type Item, type Reply, type Step, sseText } from '../reply.ts'
import { type Place, withAfter, withBefore, withHeader, withItems, withPass } from './fault.ts'

/** What was sent arrives before the reset does. */
export const reset: readonly Step[] = [{ kind: 'wait', ms: 10 }, { kind: 'reset' }]
export const cut: readonly Step[] = [{ kind: 'close' }]
export const hang: readonly Step[] = [{ kind: 'hang' }]
export const properEnd: readonly Step[] = [{ kind: 'end', bytes: undefined }]

export function beforeHead(...steps: readonly Step[]): (reply: Reply) => Reply {
  return reply => withBefore(reply, ...steps)
}

/** The head goes out as it should, then only this happens. */
export function afterHead(steps: readonly Step[]): (reply: Reply) => Reply {
  return reply => withPass(reply, () => steps)
}

/** A stream goes on for so many events, a whole answer for half its bytes; then only this happens. */
export function midway(steps: readonly Step[]): (reply: Reply, place: Place) => Reply {
  return (reply, { number }) =>
    reply.body.kind === 'stream'
      ? withItems(reply, items => firstFrames(items, number, steps))
      : withPass(reply, whole => together(whole, bytes => [half(bytes), ...steps]))
}

/** So many percent of the body's bytes, wherever that is, then only this happens. */
export function atPercent(steps: readonly Step[]): (reply: Reply, place: Place) => Reply {
  return (reply, { number }) =>
    withPass(reply, body =>
      together(body, bytes => [
        { kind: 'bytes', bytes: bytes.subarray(0, Math.floor((bytes.length * number) / 100)) },
        ...steps,
      ]),
    )
}

/** The last event that comes is half an event. */
export function midwayInEvent(steps: readonly Step[]): (reply: Reply, place: Place) => Reply {
  return (reply, place) => {
    const { body } = reply
    if (body.kind === 'whole') return midway(steps)(reply, place)
    return withItems(reply, function* (items) {
      let count = 0
      for (const item of items) {
        if (item.kind === 'frame' && ++count >= place.number) {
          yield half(bytesOf(body.encoding === 'sse' ? sseText(item, body.newline) : item.data))
          yield* steps
          return
        }
        yield item
      }
    })
  }
}

function* firstFrames(items: Iterable<Item>, number: number, steps: readonly Step[]): Generator<Item> {
  let left = number
  for (const item of items) {
    if (item.kind === 'frame' && left-- <= 0) break
    yield item
  }
  yield* steps
}

function half(bytes: Uint8Array): Step {
  return { kind: 'bytes', bytes: bytes.subarray(0, Math.ceil(bytes.length / 2)) }
}

export function resetInHead(reply: Reply): Reply {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-len'
  return withPass({ ...reply, rawHead: head }, () => reset)
}

/** As servers of the nineties answer: the end of the connection is the end of the body. */
export function oldHttp(reply: Reply): Reply {
  const headers = reply.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return { ...reply, rawHead: `HTTP/1.0 ${reply.status} OK\r\n${headers}\r\n` }
}

export function brokenChunks(reply: Reply): Reply {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
  return { ...reply, rawHead: `${head}zz-no-chunk-size\r\n` }
}

export function otherProtocol(reply: Reply): Reply {
  return withPass({ ...reply, rawHead: 'SSH-2.0-OpenSSH_9.9\r\n' }, () => [])
}

export function trickle(reply: Reply, { number }: Place): Reply {
  return withPass(reply, function* (steps) {
    for (const step of cutInto(steps, 1)) {
      if (step.kind === 'bytes') yield { kind: 'wait', ms: number }
      yield step
    }
  })
}

export function closeAfter(reply: Reply): Reply {
  return withAfter(reply, { kind: 'close' })
}

export function resetAfter(reply: Reply, { number }: Place): Reply {
  return withAfter(reply, { kind: 'wait', ms: number }, { kind: 'reset' })
}

/** As behind a NAT that dropped the mapping: the idle connection looks alive until somebody writes to it. */
export function forgetAfter(reply: Reply): Reply {
  return withAfter(reply, { kind: 'forget' })
}

/** Declares more bytes than come before the connection closes. */
export function lengthTooLong(reply: Reply): Reply {
  const length = reply.body.kind === 'whole' ? Buffer.byteLength(reply.body.text) + 64 : 1_000_000
  return closeAfter({ ...reply, framing: length })
}

/** Declares fewer bytes than come; the rest looks like the next answer. */
export function lengthTooShort(reply: Reply): Reply {
  const length = reply.body.kind === 'whole' ? Math.floor(Buffer.byteLength(reply.body.text) / 2) : 100
  return { ...reply, framing: length }
}

export function hugeHeader(reply: Reply, { number }: Place): Reply {
  return withHeader(reply, 'x-padding', 'p'.repeat(number * 1024))
}
