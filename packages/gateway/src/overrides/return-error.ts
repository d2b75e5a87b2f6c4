import { isObject } from './exact-json.ts'
import type { Fields, Step } from './operation.ts'

/** What a `return_error` says instead of asking the upstream. */
export class ReturnedError extends Error {
  override readonly name = 'ReturnedError'
  readonly status: number
  readonly code: string
  readonly type: string
  /** Whether another channel may be asked (`skip_retry: false`). */
  readonly mayMoveOn: boolean
  constructor(parts: Omit<Returned, 'message'>, message: string) {
    super(message)
    this.status = parts.status
    this.code = parts.code
    this.type = parts.type
    this.mayMoveOn = parts.mayMoveOn
  }
}

interface Returned {
  readonly message: string
  readonly status: number
  readonly code: string
  readonly type: string
  readonly mayMoveOn: boolean
}

export function readReturnError(fields: Fields): Step | undefined {
  const value = typeof fields.value === 'string' ? { message: fields.value } : fields.value
  if (!isObject(value))
    return fields.refuse('value', 'a message, or { message, status_code, code, type, skip_retry }')
  const message = value['message'] ?? value['msg']
  const status = value['status_code'] ?? value['status'] ?? 400
  const { code = 'invalid_request', type = 'invalid_request_error' } = value
  if (typeof message !== 'string' || message.trim() === '')
    return fields.refuse('value', 'an object with a message')
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 400 || status > 511)
    return fields.refuse('value', 'an object whose status_code is an HTTP error, 400 to 511')
  if (typeof code !== 'string' || typeof type !== 'string')
    return fields.refuse('value', 'an object whose code and type are texts')
  const mayMoveOn = value['skip_retry'] === false
  return () => {
    throw new ReturnedError({ status, code, type, mayMoveOn }, message)
  }
}
