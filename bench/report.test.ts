import { expect, test } from 'vitest'
import { judge, renderMarkdown, renderText } from './report.ts'

test.each([
  { says: 'under the goal', measure: { value: 1.4, limit: 2, goal: 1.5 }, gives: 'goal' },
  { says: 'between goal and limit', measure: { value: 1.9, limit: 2, goal: 1.5 }, gives: 'pass' },
  { says: 'over the limit', measure: { value: 2.1, limit: 2, goal: 1.5 }, gives: 'miss' },
  { says: 'at its least', measure: { value: 5000, least: 5000 }, gives: 'pass' },
  { says: 'under its least', measure: { value: 4999, least: 5000 }, gives: 'miss' },
  { says: 'that is no number', measure: { value: Number.NaN, limit: 2 }, gives: 'miss' },
  { says: 'without a limit', measure: { value: 7 }, gives: '' },
])('a value $says', ({ measure, gives }) => {
  expect(judge({ name: 'x', unit: '', ...measure })).toBe(gives)
})

const report = {
  machine: { cores: 2, cpu: 'Test CPU', memoryMb: 8192, node: '26.0.0', platform: 'linux x64' },
  scale: 'quick',
  subject: 'yumen',
  seconds: 61.4,
  rows: [
    {
      row: 'whole-1k',
      about: 'requests',
      failure: undefined,
      result: {
        measures: [
          {
            name: 'CPU per request',
            unit: '×',
            value: 1.4567,
            spread: { min: 1.4, max: 1.5 },
            floor: { value: 101.4, unit: 'µs' },
            subject: { value: 147.7, unit: 'µs' },
            limit: 2,
            goal: 1.5,
          },
        ],
        notes: ['a note'],
        raw: undefined,
      },
    },
    { row: 'tls', about: 'tls', failure: 'no certificate', result: undefined },
  ],
} as const

test('a table shows each measure with its limit, and says what failed and why', () => {
  const text = renderText(report)
  expect(text).toMatch(/whole-1k +CPU per request +101 µs +148 µs +1\.46× +1\.40 … 1\.50 +≤ 2 +≤ 1\.5 +goal/)
  expect(text).toContain('tls: failed: no certificate')
})

test('the page has a row for each measure', () => {
  const page = renderMarkdown(report, '2026-11-25')
  expect(page).toContain(
    '| whole-1k | CPU per request | 101 µs | 148 µs | 1.46× | 1.40 … 1.50 | ≤ 2 | ≤ 1.5 | goal |',
  )
  expect(page).toContain('| tls | failed, see below |')
})
