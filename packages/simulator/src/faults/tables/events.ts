import { midway, midwayInEvent, properEnd } from '../connection.ts'
import {
  afterEnd,
  byteOrderMark,
  commentFlood,
  endless,
  errorFirst,
  errorLater,
  garbageAt,
  manyDataLines,
  mixedNewlines,
  noSpace,
  nullContents,
  otherFields,
  pingFlood,
  twice,
  unknownEvents,
  withoutEnd,
  withoutFinish,
} from '../events.ts'
import { type Fault, withItems } from '../fault.ts'

/** The events of a stream. */
export const eventsFaults = {
  'end-after': {
    on: 'stream',
    about: 'The HTTP body ends properly after N events; the protocol does not.',
    number: { means: 'events', fallback: 3 },
    reply: midway(properEnd),
  },
  'end-in-event': {
    on: 'stream',
    about: 'The HTTP body ends properly amid event N.',
    number: { means: 'event', fallback: 3 },
    reply: midwayInEvent(properEnd),
  },
  'error-first-event': {
    on: 'stream',
    about: 'The first event of a 200 stream is an error.',
    reply: errorFirst,
  },
  'error-after': {
    on: 'stream',
    about: 'An error event after N events.',
    number: { means: 'events', fallback: 3 },
    reply: errorLater,
  },
  'empty-stream': {
    on: 'stream',
    about: '200, the headers of a stream, no event.',
    reply: reply => withItems(reply, () => []),
  },
  'only-end': {
    on: 'stream',
    about: 'A stream of nothing but its terminator.',
    reply: reply =>
      withItems(reply, function* (items) {
        for (const item of items) if (item.kind === 'frame' && item.role === 'end') yield item
      }),
  },
  'missing-end': {
    on: 'stream',
    about: 'No `[DONE]`, `message_stop` or last event; Google: no object with `finishReason`.',
    reply: withoutEnd,
  },
  'missing-finish': {
    on: 'stream',
    about: 'No finish reason, though the terminator comes where there is one.',
    reply: withoutFinish,
  },
  'events-after-end': { on: 'stream', about: 'Another piece of text after the terminator.', reply: afterEnd },
  'endless-stream': {
    on: 'stream',
    about: 'The same piece of text for ever, N ms apart.',
    number: { means: 'ms', fallback: 5 },
    reply: endless,
  },
  'duplicate-events': { on: 'stream', about: 'Every event of the content comes twice.', reply: twice },
  'garbage-event': {
    on: 'stream',
    about: 'Event N is no JSON; the stream goes on.',
    number: { means: 'event', fallback: 3 },
    reply: garbageAt,
  },
  'unknown-events': {
    on: 'stream',
    about: 'Events of an unknown type between the known ones.',
    reply: unknownEvents,
  },
  'null-choices': {
    on: 'stream',
    about: 'Repeats of events with `choices`, `delta` or `candidates` null.',
    reply: nullContents,
  },
  'comment-flood': {
    on: 'stream',
    about: 'N comments before each event.',
    number: { means: 'comments', fallback: 50 },
    reply: commentFlood,
  },
  'ping-flood': {
    on: 'stream',
    about: 'N Anthropic pings after each event; comments elsewhere.',
    number: { means: 'pings', fallback: 50 },
    reply: pingFlood,
  },
  'mixed-newlines': { on: 'stream', about: 'LF, CRLF and CR in turns.', reply: mixedNewlines },
  'no-space': { on: 'stream', about: '`data:{…}` without a space.', reply: noSpace },
  'multi-line-data': { on: 'stream', about: 'JSON spread over two `data:` lines.', reply: manyDataLines },
  'byte-order-mark': { on: 'stream', about: 'A BOM before the first event.', reply: byteOrderMark },
  'other-fields': {
    on: 'stream',
    about: '`id:`, `retry:` and unknown fields in each event.',
    reply: otherFields,
  },
} as const satisfies Record<string, Fault>
