import { spaced } from '../../knobs.ts'
import { beforeHead, trickle } from '../connection.ts'
import { type Fault, withItems, withPass } from '../fault.ts'

/** Time. */
export const timeFaults = {
  'slow-first-byte': {
    on: 'any',
    about: 'N ms before the headers.',
    number: { means: 'ms', fallback: 1000 },
    reply: (reply, { number }) => beforeHead({ kind: 'wait', ms: number })(reply),
  },
  'slow-first-event': {
    on: 'any',
    about: 'Headers at once, N ms before the body.',
    number: { means: 'ms', fallback: 1000 },
    reply: (reply, { number }) =>
      withPass(reply, function* (steps) {
        yield { kind: 'wait', ms: number }
        yield* steps
      }),
  },
  'slow-everything': {
    on: 'any',
    about: 'N ms before the headers and before each event.',
    number: { means: 'ms', fallback: 200 },
    reply: (reply, { number }) =>
      withItems(beforeHead({ kind: 'wait', ms: number })(reply), items => spaced(items, number)),
  },
  trickle: {
    on: 'any',
    about: 'One byte every N ms.',
    number: { means: 'ms', fallback: 50 },
    reply: trickle,
  },
} as const satisfies Record<string, Fault>
