import { StoreError, type StoreErrorCode } from '../../types.ts'

/** SQLSTATE, PostgreSQL's manual, appendix A. `P0001` is what our own triggers raise. */
const codes: Readonly<Record<string, StoreErrorCode>> = {
  '23505': 'not_unique',
  '23503': 'invalid',
  '23514': 'invalid',
  P0001: 'invalid',
}
const serializationFailure = '40001'
const deadlock = '40P01'

/** What a driver or the network threw, as the caller may act on it. Its messages hold no password. */
export function asStoreError(error: unknown): Error & { readonly code?: unknown } {
  if (error instanceof StoreError) return error
  if (!(error instanceof Error)) return new Error(String(error))
  if (isBug(error)) return error
  const code = codes[sqlState(error) ?? ''] ?? 'unavailable'
  return new StoreError(code, `PostgreSQL: ${error.message}`, { cause: error })
}

export function mayRetry(error: unknown): boolean {
  const state = error instanceof Error ? sqlState(error) : undefined
  return state === serializationFailure || state === deadlock
}

function sqlState(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function isBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
}
