import { formatUsd, type NanoUsd } from '@yumen/pricing'

/** A money column as the file writes it. */
export function usdOf(nanos: bigint): string {
  return formatUsd(nanos as NanoUsd) // branding: a *_nusd column holds nano-dollars
}

/** A JSON column; `undefined` where it is null. */
export function jsonOf(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text)
}

/** The first row of each name, and the others: the file tells things apart by their names. */
export function withoutRepeats<Item>(rows: readonly Item[], nameOf: (row: Item) => string) {
  const seen = new Set<string>()
  const kept: Item[] = []
  const repeats: Item[] = []
  for (const row of rows) {
    ;(seen.has(nameOf(row)) ? repeats : kept).push(row)
    seen.add(nameOf(row))
  }
  return { kept, repeats }
}
