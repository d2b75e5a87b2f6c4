import { brokenOff, type FaultClass, type Outcome, served, survived } from '../outcome.ts'

const repeated: Outcome = { ...served, noticed: 'wrong: another text' }

export const beforeContent: FaultClass = {
  title: 'Streams that fail before their first content',
  about: 'The head of a stream with status 200 came, and nothing that a client could read as content.',
  rows: [
    { fault: 'error-first-event', streamed: survived },
    { fault: 'error-after-0', streamed: survived },
    { fault: 'empty-stream', streamed: survived },
    { fault: 'only-end', streamed: survived },
    { fault: 'end-after-0', streamed: survived },
    { fault: 'end-in-event-1', streamed: survived },
    { fault: 'reset-mid-stream-0', streamed: survived },
    { fault: 'hang-mid-stream-0', streamed: { ...survived, takes: 'the first-byte limit' } },
    { fault: 'garbage-event-1', streamed: survived },
    { fault: 'huge-line-17', streamed: survived },
  ],
}

export const afterContent: FaultClass = {
  title: 'Streams that fail after their first content',
  about:
    'The client has a part of the answer: nobody else can continue it. It gets an error in its own protocol and an end, and pays for the part that it got.',
  rows: [
    { fault: 'end-after-8', streamed: brokenOff() },
    { fault: 'end-in-event-8', streamed: brokenOff() },
    { fault: 'reset-mid-stream-8', streamed: brokenOff() },
    { fault: 'error-after-8', streamed: brokenOff() },
    { fault: 'garbage-event-8', streamed: brokenOff() },
    { fault: 'missing-finish', streamed: brokenOff() },
  ],
}

export const oddStreams: FaultClass = {
  title: 'Streams that are whole, and odd',
  about: 'All of the answer is there, in other words than usual.',
  rows: [
    {
      fault: 'missing-end',
      streamed: { rest: served, but: { responses: brokenOff(), gemini: brokenOff() } },
      note: 'Where the finish reason stands in an event of its own the gateway puts the terminator in. Responses and Gemini have both in one: without it nobody knows whether the answer is whole.',
    },
    {
      fault: 'events-after-end',
      streamed: { rest: served, but: { gemini: repeated } },
      note: 'Gemini has no terminator: an object behind the finish reason is a part of the stream, and its text reaches the client.',
    },
    {
      fault: 'duplicate-events',
      streamed: repeated,
      note: 'Each piece of text reaches the client twice: nobody can tell a repeated piece from a text that repeats itself.',
    },
    { fault: 'unknown-events', streamed: served },
    { fault: 'null-choices', streamed: served },
    { fault: 'comment-flood', streamed: served },
    { fault: 'ping-flood', streamed: served },
    { fault: 'mixed-newlines', streamed: served },
    { fault: 'no-space', streamed: served },
    { fault: 'multi-line-data', streamed: served },
    { fault: 'byte-order-mark', streamed: served },
    { fault: 'other-fields', streamed: served },
  ],
}
