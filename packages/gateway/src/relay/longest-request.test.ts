import { expect, test } from 'vitest'
import { longestRequestMs } from './longest-request.ts'

const channel = (totalTimeoutMs: number) => ({ timeLimits: { totalTimeoutMs } })

test.each([
  { says: 'without channels a request may only be sent', channels: [], gives: 600 },
  {
    says: 'the slowest channel says how long its answer may take',
    channels: [1_000, 30_000, 2_000],
    gives: 30_600,
  },
])('$says', ({ channels, gives }) => {
  expect(longestRequestMs({ requestTimeoutMs: 600 }, channels.map(channel))).toBe(gives)
})
