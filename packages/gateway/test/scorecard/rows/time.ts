import { both, brokenOff, type FaultClass, type Outcome, served, survivedAfter, told } from '../outcome.ts'

const slow: Outcome = { ...served, takes: "the upstream's own pace" }

export const time: FaultClass = {
  title: 'Time',
  about: 'Silence, and answers that come slowly.',
  rows: [
    { fault: 'hang-before-headers', ...both(survivedAfter('the first-byte limit')) },
    { fault: 'hang-after-headers', ...both(survivedAfter('the first-byte limit')) },
    { fault: 'slow-first-byte-30000', ...both(survivedAfter('the first-byte limit')) },
    { fault: 'slow-first-event-30000', ...both(survivedAfter('the first-byte limit')) },
    { fault: 'slow-first-byte-1000', isSlow: true, ...both(slow) },
    { fault: 'slow-everything-100', isSlow: true, ...both(slow) },
    { fault: 'trickle-1', isSlow: true, whole: slow },
    {
      fault: 'hang-mid-stream-8',
      whole: survivedAfter('the idle limit'),
      streamed: brokenOff('upstream_timeout', 'the idle limit'),
    },
    {
      fault: 'trickle-1000',
      ...both(told('upstream_timeout', { takes: 'the total limit' })),
      note: 'A byte now and then is never silence: only the total limit ends it, and then no time is left for another channel.',
    },
    { fault: 'endless-stream-50', streamed: brokenOff('upstream_timeout', 'the total limit') },
  ],
}
