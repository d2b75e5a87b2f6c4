import type { SqlValue } from './transaction.ts'

/**
 * The one rule of integer columns: money is `bigint` on every driver, all else is a `number` that must be
 * exact.
 */
export function isMoneyColumn(name: string): boolean {
  return name.endsWith('_nusd')
}

/**
 * An integer column's value as the rule wants it. Throws `RangeError` where a `number` would not be exact.
 */
export function readInteger(column: string, value: bigint): SqlValue {
  if (isMoneyColumn(column)) return value
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError(`${column} holds ${value}, beyond 2^53`)
  return number
}
