import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { together } from '../passes.ts'
import { renderTrouble } from '../refusal.ts'
import { type Header, type Reply, type Step, streamReply, wholeReply } from '../reply.ts'
import type { Script } from '../script.ts'
import { wire } from '../wire.ts'
import { type Place, withFrames, withHeader, withPass, withText } from './fault.ts'

/** An answer from something in front of the model: a proxy, a login page, a balancer. */
export function foreign(status: number, type: string, text: string): (reply: Reply) => Reply {
  return reply => withHeader({ ...wholeReply(status, [], text), before: reply.before }, 'content-type', type)
}

export const badGatewayPage =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n' +
  '<center><h1>502 Bad Gateway</h1></center>\r\n' +
  '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'

export const notFoundPage =
  '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n' +
  '<center><h1>404 Not Found</h1></center>\r\n' +
  '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'

/** What Go's own router says. */
export const notFoundText = '404 page not found\n'

export const loginPage =
  '<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>'

export const envoyText =
  'upstream connect error or disconnect/reset before headers. reset reason: connection termination'

export function errorInBody(reply: Reply, { protocol, script }: Place): Reply {
  const text = renderTrouble({ kind: 'overloaded' }, protocol, `req_${script.digest}`)
  return { ...wholeReply(200, usual(reply), text), before: reply.before }
}

export function wholeForStream(reply: Reply, { asked, script }: Place): Reply {
  if (reply.body.kind === 'whole') return reply
  return { ...wholeReply(200, usual(reply), asked.whole(script)), before: reply.before }
}

export function streamForWhole(reply: Reply, { asked, script }: Place): Reply {
  if (reply.body.kind === 'stream') return reply
  const items = asked.frames(script)
  return streamReply(usual(reply), { kind: 'stream', encoding: 'sse', newline: '\n', items })
}

export function emptyBody(reply: Reply): Reply {
  return { ...wholeReply(200, usual(reply), ''), before: reply.before }
}

export function garbageBody(reply: Reply): Reply {
  return withPass({ ...reply, framing: 'chunked' }, () => [
    { kind: 'bytes', bytes: '\u0000<<< not JSON, not an event \ufffd >>>\n' },
  ])
}

export function truncatedJson(reply: Reply): Reply {
  return withText(reply, text => text.slice(0, Math.floor(text.length * 0.8)))
}

export function redirect(status: 301 | 302 | 307): (reply: Reply) => Reply {
  return reply =>
    withHeader({ ...wholeReply(status, [], ''), before: reply.before }, 'location', '/_redirected')
}

export function wrongType(reply: Reply): Reply {
  return withHeader(
    reply,
    'content-type',
    reply.body.kind === 'stream' ? 'text/plain; charset=utf-8' : 'text/html',
  )
}

export function gzipped(change: (bytes: Buffer) => Iterable<Step>): (reply: Reply) => Reply {
  return reply => {
    const encoded = withHeader({ ...reply, framing: 'chunked' }, 'content-encoding', 'gzip')
    return withPass(encoded, steps => together(steps, change))
  }
}

export function soundGzip(bytes: Buffer): readonly Step[] {
  return [{ kind: 'bytes', bytes: gzipSync(bytes) }]
}

/** The second half is noise. */
export function brokenGzip(bytes: Buffer): readonly Step[] {
  const sound = gzipSync(bytes)
  const middle = Math.floor(sound.length / 2)
  return [
    { kind: 'bytes', bytes: sound.subarray(0, middle) },
    { kind: 'bytes', bytes: Buffer.alloc(sound.length - middle, 0x5a) },
  ]
}

export function noGzip(bytes: Buffer): readonly Step[] {
  return [{ kind: 'bytes', bytes }]
}

/** A text with a mark that JSON keeps and `brokenCharacters` finds again. */
export function markedText(script: Script): Script {
  return { ...script, text: () => ['Broken: ', '\uffff', ' — and on.'] }
}

/** Writes two bytes that are no UTF-8 for each mark. */
export function brokenCharacters(reply: Reply): Reply {
  const mark = Buffer.from('\uffff')
  return withPass({ ...reply, framing: 'chunked' }, function* (steps) {
    for (const step of steps) {
      if (step.kind !== 'bytes') yield step
      else yield { kind: 'bytes', bytes: replaced(Buffer.from(step.bytes), mark) }
    }
  })
}

function replaced(bytes: Buffer, mark: Buffer): Buffer {
  const at = bytes.indexOf(mark)
  if (at < 0) return bytes
  const rest = replaced(bytes.subarray(at + mark.length), mark)
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([0xc3, 0x28]), rest])
}

/** The same change to the text of a whole answer and of each event. */
export function rewrite(pattern: RegExp, replacement: string): (reply: Reply) => Reply {
  const change = (text: string) => text.replace(pattern, replacement)
  return reply => withFrames(withText(reply, change), frame => [{ ...frame, data: change(frame.data) }])
}

export function oddUsage(reply: Reply): Reply {
  const negative = rewrite(/"(prompt_tokens|input_tokens|promptTokenCount)":[0-9]+/g, '"$1":-7')
  const quoted = rewrite(/"(completion_tokens|output_tokens|candidatesTokenCount)":([0-9]+)/g, '"$1":"$2.5"')
  return quoted(negative(reply))
}

/** Google reports a blocked prompt inside a 200. */
export function blockedPrompt(reply: Reply, { protocol, script }: Place): Reply {
  if (protocol !== 'gemini') return reply
  const tokens = script.usage?.input ?? 0
  const text = wire`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},
    "usageMetadata":{"promptTokenCount":${tokens},"totalTokenCount":${tokens}},
    "modelVersion":${script.model}}`.wire
  if (reply.body.kind === 'whole') return withText(reply, () => text)
  return {
    ...reply,
    body: { ...reply.body, items: [{ kind: 'frame', role: 'finish', event: undefined, data: text }] },
  }
}

/** Headers that every answer of this protocol has; what tells of the body is left out. */
function usual(reply: Reply): readonly Header[] {
  return reply.headers.filter(([name]) => name !== 'content-type' && name !== 'cache-control')
}
