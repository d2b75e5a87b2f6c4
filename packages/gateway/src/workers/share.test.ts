import { expect, test } from 'vitest'
import { backOffMs, pickWorker } from './share.ts'

test.each([
  { says: 'nobody serves', workers: [], picks: undefined },
  {
    says: 'the one with the fewest connections gets the next',
    workers: [
      { name: 'a', load: 3, givenAt: 1 },
      { name: 'b', load: 2, givenAt: 2 },
    ],
    picks: 'b',
  },
  {
    says: 'of equals the one that was given to longest ago',
    workers: [
      { name: 'a', load: 2, givenAt: 9 },
      { name: 'b', load: 2, givenAt: 4 },
      { name: 'c', load: 2, givenAt: 7 },
    ],
    picks: 'b',
  },
])('$says', ({ workers, picks }) => {
  expect(pickWorker(workers)?.name).toBe(picks)
})

test('waits grow with every early end, up to a bound', () => {
  expect([1, 2, 3, 4, 20].map(backOffMs)).toEqual([100, 200, 400, 800, 5_000])
})
