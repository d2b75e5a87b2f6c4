import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Case, casesOf } from './cases.ts'
import type { Outcome } from './outcome.ts'
import { renderPage } from './page.ts'
import { faultClasses } from './rows/index.ts'
import { runCases } from './run.ts'
import { type Stage, startStage } from './stage.ts'

/** `SCORECARD=update` (`npm run scorecard`) writes the page that the run gives. */
const isUpdate = process.env['SCORECARD'] === 'update'
const pagePath = new URL('../../../../docs/failover.md', import.meta.url)
const cases = casesOf(faultClasses)

let stage: Stage
let outcomes: ReadonlyMap<Case, Outcome>
beforeAll(async () => {
  stage = await startStage(cases)
  outcomes = await runCases(stage.gateway, cases)
  if (isUpdate) writeFileSync(pagePath, renderPage(faultClasses, outcomes))
}, 120_000)
afterAll(() => stage.close())

describe.each(faultClasses)('$title', ({ rows }) => {
  test.each(rows)('$fault ends as the table says, in every dialect', row => {
    const ours = cases.filter(one => one.row === row)
    const named = (outcomeOf: (one: Case) => Outcome | undefined) =>
      Object.fromEntries(ours.map(one => [`${one.dialect}, ${one.way}`, outcomeOf(one)]))
    expect(named(one => outcomes.get(one))).toEqual(named(({ expected }) => expected))
  })
})

test('no redirect is followed', () => {
  expect(stage.followed()).toBe(0)
})

test('docs/failover.md says what the run says: `npm run scorecard` writes it', () => {
  expect(readFileSync(pagePath, 'utf8')).toBe(renderPage(faultClasses, outcomes))
})
