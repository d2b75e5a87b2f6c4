import { type Dialect, dialects } from '../faults/ask.ts'
import { type Expected, expectedOf, type FaultClass, type Outcome, type Row } from './outcome.ts'

export const ways = ['whole', 'streamed'] as const
export type Way = (typeof ways)[number]

/** One fault in one dialect, whole or streamed. */
export interface Case {
  readonly row: Row
  readonly dialect: Dialect
  readonly way: Way
  /** As the client names it: no other case has it, nor the channel behind it. */
  readonly model: string
  readonly upstreamModel: string
  readonly expected: Outcome
}

export function casesOf(classes: readonly FaultClass[]): readonly Case[] {
  return classes.flatMap(({ rows }) => rows.flatMap(rowCases))
}

export function rowCases(row: Row): readonly Case[] {
  const { address = 'simulator', fault } = row
  const isAtSimulator = address === 'simulator' || address === 'own simulator'
  const upstreamModel = isAtSimulator ? `sim-fault-${fault}` : 'sim'
  return ways.flatMap(way => {
    const expected: Expected | undefined = row[way]
    if (expected === undefined) return []
    return dialects.map(dialect => ({
      row,
      dialect,
      way,
      model: `${fault}.${dialect}.${way}`,
      upstreamModel,
      expected: expectedOf(expected, dialect),
    }))
  })
}
