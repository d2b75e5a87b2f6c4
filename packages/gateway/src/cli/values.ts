import { formatUsd, type NanoUsd, PricingError, parseUsd } from '@yumen/pricing'
import { CliError } from './cli-error.ts'

/** A `*_nusd` column or a count of nano-dollars as printed data has it: nine digits. */
export function usd(nanos: bigint): string {
  return formatUsd(nanos as NanoUsd) // branding: a *_nusd column holds nano-dollars
}

/** For people: cents at least, the rest of the nine digits only where they are not zero. */
export function shortUsd(nanos: bigint): string {
  return usd(nanos).replace(/0{1,7}$/, '')
}

export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Amounts, names and times of the command line. `option` names it in the error. */
export function readUsd(text: string, option: string): bigint {
  try {
    const amount = parseUsd(text)
    if (amount >= 0n) return amount
  } catch (error) {
    if (!(error instanceof PricingError)) throw error
  }
  throw new CliError(`${option}: found ${JSON.stringify(text)}, allowed: an amount in USD like 10.00`)
}

export function readTime(text: string, option: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  const time = isTime ? Date.parse(text) : Number.NaN
  if (Number.isFinite(time)) return time
  throw new CliError(
    `${option}: found ${JSON.stringify(text)}, allowed: a time like 2027-01-01 or 2027-01-01T00:00:00Z`,
  )
}

export function readId(text: string, what: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CliError(
    `${what}: found ${JSON.stringify(text)}, allowed: a number, as \`yumen ${what} list\` shows it`,
  )
}

/** Names set off by commas. */
export function readNames(text: string): readonly string[] {
  return text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
}

export function oneOf<const Names extends readonly string[]>(
  text: string,
  names: Names,
  option: string,
): Names[number] {
  const found = names.find(name => name === text)
  if (found !== undefined) return found
  throw new CliError(`${option}: found ${JSON.stringify(text)}, allowed: ${names.join(', ')}`)
}
