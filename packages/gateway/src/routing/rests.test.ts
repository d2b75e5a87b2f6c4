import { expect, test } from 'vitest'
import { Rests } from './rests.ts'

const place = { fingerprint: 'f', model: 'm' }
const rules = { restMs: 10, restMsMax: 100 }

test('after an answer nothing is kept of a time that was named and is over', () => {
  const rests = new Rests(10)
  rests.rest(place, { reason: 'rate_limited', ms: 50, began: 1, ended: 2 }, 0, rules)
  rests.forgive(place, 3, 49)
  expect(rests.find(place, 49)).toMatchObject({ isSoft: false, until: 50 })
  rests.forgive(place, 4, 50)
  expect(rests.isEmpty).toBe(true)
})
