import type { StateChange } from '#config'
import { type Colour, cleanText, coloured, printLine } from './output.ts'
import { usd } from './values.ts'

const marks = {
  create: { sign: '+', colour: 'green' },
  update: { sign: '~', colour: 'yellow' },
  remove: { sign: '-', colour: 'red' },
} as const satisfies Record<StateChange['action'], { readonly sign: string; readonly colour: Colour }>

const kinds = {
  group: 'group',
  price: 'price',
  user: 'user',
  apiKey: 'API key',
  channel: 'channel',
  option: 'option',
} as const satisfies Record<StateChange['kind'], string>

/** `~ channel bailian  weight: 1 → 2` */
export function printChanges(changes: readonly StateChange[]): void {
  for (const { action, kind, name, fields } of changes) {
    const { sign, colour } = marks[action]
    const details =
      action === 'update'
        ? Object.entries(fields).map(
            ([field, [before, after]]) => `${field}: ${show(before)} → ${show(after)}`,
          )
        : []
    const head = coloured(colour, cleanText(`${sign} ${kinds[kind]} ${name}`))
    printLine(details.length > 0 ? `${head}  ${cleanText(details.join(', '))}` : head)
  }
}

/** The same as plain JSON: amounts as decimal USD. */
export function jsonOfChanges(changes: readonly StateChange[]): unknown {
  return JSON.parse(
    JSON.stringify(changes, (_, value: unknown) => (typeof value === 'bigint' ? usd(value) : value)),
  )
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'none'
  if (typeof value === 'bigint') return usd(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
