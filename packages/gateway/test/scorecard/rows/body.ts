import { both, type FaultClass, type Outcome, served, survived } from '../outcome.ts'

const hugeText = 'x'.repeat(2 * 1024 * 1024)
const counted: Outcome = { ...served, charged: 'the answer, counted' }

export const body: FaultClass = {
  title: 'Bodies',
  about: 'An answer that is none, or not the one that was asked for, and odd ones that are still good.',
  rows: [
    { fault: 'html-502', ...both(survived) },
    { fault: 'html-200', ...both(survived) },
    { fault: 'html-404', ...both(survived) },
    { fault: 'text-404', ...both(survived) },
    { fault: 'text-503', ...both(survived) },
    { fault: 'redirect-301', ...both(survived) },
    { fault: 'redirect-302', ...both(survived) },
    { fault: 'redirect-307', ...both(survived) },
    { fault: 'error-in-200', ...both(survived) },
    { fault: 'empty-body', ...both(survived) },
    { fault: 'garbage-body', ...both(survived) },
    { fault: 'truncated-json', whole: survived },
    { fault: 'stream-for-whole', whole: survived },
    { fault: 'json-for-stream', streamed: survived },
    { fault: 'wrong-content-type', whole: served, streamed: survived },
    { fault: 'reset-mid-stream', about: 'TCP reset after half a whole answer.', whole: survived },
    { fault: 'length-too-long', whole: survived, streamed: served },
    { fault: 'length-too-short', ...both(survived) },
    { fault: 'gzip', whole: served, streamed: survived },
    { fault: 'gzip-invalid', ...both(survived) },
    { fault: 'gzip-broken', ...both(survived) },
    { fault: 'utf8-broken', says: 'Broken: \ufffd( — and on.', ...both(served) },
    { fault: 'huge-line-2', says: hugeText, ...both(served) },
    { fault: 'deep-json', ...both(served) },
    { fault: 'missing-usage', ...both(counted) },
    { fault: 'zero-usage', ...both(counted) },
    { fault: 'odd-usage', ...both(counted) },
    { fault: 'other-model', ...both(served) },
    { fault: 'unknown-finish', ...both(served) },
  ],
}
