import { type Dialect, dialects } from '../../faults/ask.ts'
import { brokenOff, type FaultClass, type Outcome, type Row, served, survived } from '../outcome.ts'

/** Where the simulator's plain stream has what, counted in events. */
const streams: Readonly<Record<Dialect, { firstContent: number; finish: number; usage: number }>> = {
  chat: { firstContent: 2, finish: 12, usage: 13 },
  responses: { firstContent: 5, finish: 18, usage: 18 },
  anthropic: { firstContent: 4, finish: 15, usage: 15 },
  gemini: { firstContent: 1, finish: 11, usage: 11 },
}
/** As many as the longest of the streams has. */
const eventsMax = 18

const counted: Outcome = { ...served, charged: 'the answer, counted' }

/** What a client gets of a stream of which only `whole` events came, and nothing or a part of another. */
function outcomeAt(dialect: Dialect, whole: number): Outcome {
  const { firstContent, finish, usage } = streams[dialect]
  if (whole < firstContent) return survived
  if (whole < finish) return brokenOff()
  return whole < usage ? counted : served
}

function cutRow(fault: string, whole: number): Row {
  const but = Object.fromEntries(dialects.map(dialect => [dialect, outcomeAt(dialect, whole)]))
  return { fault, streamed: { rest: served, but } }
}

export const wholeCuts: FaultClass = {
  title: 'Whole answers that are cut',
  about: 'The connection ends somewhere within the body.',
  rows: [0, 1, 10, 25, 50, 75, 90, 99].map(percent => ({ fault: `cut-at-${percent}`, whole: survived })),
}

export const streamCuts: FaultClass = {
  title: 'Streams that are cut, at every event',
  about:
    'Before the first content the next candidate answers; behind the finish reason nothing of the answer is missing; in between the client is told, and pays for what it got.',
  rows: Array.from({ length: eventsMax + 1 }, (_, whole) => whole).flatMap(whole => [
    cutRow(`cut-after-${whole}`, whole),
    ...(whole < eventsMax ? [cutRow(`cut-in-event-${whole + 1}`, whole)] : []),
  ]),
}
