import type { Dialect } from '../dialect.ts'
import { textOf } from './answer.ts'
import { findError, parseError, renderError, renderErrorFrame } from './errors.ts'
import { tap } from './stream.ts'
import { parseUsage } from './usage.ts'

export const gemini: Dialect = {
  name: 'gemini',
  usageKey: 'usageMetadata',
  ping: ': ping\n\n',
  renderError,
  renderErrorFrame,
  parseError,
  findError,
  parseUsage,
  textOf,
  tap,
}
