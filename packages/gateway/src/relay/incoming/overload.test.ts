import { expect, test } from 'vitest'
import { createOverload } from './overload.ts'

const limit = 500

test.each([
  { says: 'a loop in time takes new work', delays: [3, 4, 20, 30, 5], sheds: false },
  { says: 'one long turn is no overload', delays: [3, 4_000, 20], sheds: false },
  { says: 'three late looks are none yet', delays: [600, 600, 600], sheds: false },
  { says: 'a second of lateness sheds', delays: [600, 700, 501, 900], sheds: true },
  { says: 'a look in time between them begins anew', delays: [600, 700, 10, 900, 900], sheds: false },
  { says: 'a little less late is not over yet', delays: [600, 700, 501, 900, 400], sheds: true },
  { says: 'less than half as late is over', delays: [600, 700, 501, 900, 400, 240], sheds: false },
])('$says: $delays', ({ delays, sheds }) => {
  const left = [...delays]
  const shed: string[] = []
  const overload = createOverload({
    loopDelayMsMax: limit,
    loopDelayMs: () => left.shift() ?? 0,
    onShed: name => shed.push(name),
  })
  for (const _ of delays) overload.look()
  if (sheds)
    expect(() => overload.check()).toThrow(expect.objectContaining({ class: 'shed', retryAfterMs: 2_000 }))
  else expect(() => overload.check()).not.toThrow()
  expect(shed).toEqual(sheds ? ['loopDelayMsMax'] : [])
})
