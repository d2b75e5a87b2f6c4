import {
  afterHead,
  atPercent,
  beforeHead,
  brokenChunks,
  closeAfter,
  cut,
  forgetAfter,
  hang,
  hugeHeader,
  lengthTooLong,
  lengthTooShort,
  midway,
  midwayInEvent,
  oldHttp,
  otherProtocol,
  reset,
  resetAfter,
  resetInHead,
} from '../connection.ts'
import type { Fault } from '../fault.ts'

/** The connection. */
export const connectionFaults = {
  'reset-before-headers': {
    on: 'any',
    about: 'TCP reset instead of an answer.',
    reply: beforeHead({ kind: 'reset' }),
  },
  'close-before-headers': {
    on: 'any',
    about: 'The connection is closed without a byte.',
    reply: beforeHead({ kind: 'close' }),
  },
  'reset-in-headers': { on: 'any', about: 'TCP reset amid the headers.', reply: resetInHead },
  'reset-after-headers': { on: 'any', about: 'TCP reset after the headers.', reply: afterHead(reset) },
  'reset-mid-stream': {
    on: 'any',
    about: 'TCP reset after N events, or half a whole answer.',
    number: { means: 'events', fallback: 3 },
    reply: midway(reset),
  },
  'cut-after': {
    on: 'any',
    about: 'The connection is closed after N events, or half a whole answer.',
    number: { means: 'events', fallback: 3 },
    reply: midway(cut),
  },
  'cut-at': {
    on: 'any',
    about: 'The connection is closed after N percent of the body.',
    number: { means: 'percent', fallback: 50 },
    reply: atPercent(cut),
  },
  'cut-in-event': {
    on: 'any',
    about: 'The connection is closed amid event N.',
    number: { means: 'event', fallback: 3 },
    reply: midwayInEvent(cut),
  },
  'hang-before-headers': { on: 'any', about: 'No answer, ever.', reply: beforeHead({ kind: 'hang' }) },
  'hang-after-headers': { on: 'any', about: 'Headers, then nothing, ever.', reply: afterHead(hang) },
  'hang-mid-stream': {
    on: 'any',
    about: 'N events, or half a whole answer, then nothing, ever.',
    number: { means: 'events', fallback: 3 },
    reply: midway(hang),
  },
  'close-after-answer': {
    on: 'any',
    about: 'A good answer, then the kept-alive connection is closed at once: the race of the next request.',
    reply: closeAfter,
  },
  'reset-after-answer': {
    on: 'any',
    about: 'A good answer, then N ms later a reset of the idle connection.',
    number: { means: 'ms', fallback: 20 },
    reply: resetAfter,
  },
  'forget-after-answer': {
    on: 'any',
    about:
      'A good answer; the idle connection looks alive, and the next request on it is answered by a TCP reset.',
    reply: forgetAfter,
  },
  'length-too-long': { on: 'any', about: '`content-length` promises more than comes.', reply: lengthTooLong },
  'length-too-short': {
    on: 'any',
    about: '`content-length` promises less than comes.',
    reply: lengthTooShort,
  },
  'http-1-0': { on: 'any', about: 'HTTP/1.0: no length, the close is the end.', reply: oldHttp },
  'bad-chunk': { on: 'any', about: 'Chunked encoding with a size that is no number.', reply: brokenChunks },
  'not-http': { on: 'any', about: 'Another protocol on this port.', reply: otherProtocol },
  'early-hints': {
    on: 'any',
    about: '102 and 103 before the real headers.',
    reply: beforeHead({ kind: 'information', status: 102 }, { kind: 'information', status: 103 }),
  },
  'continue-unasked': {
    on: 'any',
    about: '100 Continue that nobody expected, before the real headers.',
    reply: beforeHead({ kind: 'information', status: 100 }),
  },
  'huge-headers': {
    on: 'any',
    about: 'One header of N KiB.',
    number: { means: 'KiB', fallback: 64 },
    reply: hugeHeader,
  },
} as const satisfies Record<string, Fault>
