export interface JsonObject {
  readonly [key: string]: unknown
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** The elements that are objects; anything else in place of a list is an empty one. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return isList(value) ? value.filter(isObject) : []
}

export function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback
}

/** What says how a text is wrapped, not what it is; leaving it out makes the count alike in all protocols. */
const structuralMembers = new Set([
  'role',
  'type',
  'id',
  'call_id',
  'tool_call_id',
  'tool_use_id',
  'signature',
  'thoughtSignature',
  'encrypted_content',
  'mimeType',
  'mime_type',
  'media_type',
  'detail',
  'status',
])

/**
 * The length of all strings in `value`, the measure that input tokens are derived from. Media counts as
 * 1,000 characters however long its base64 is. Depth beyond 64 is not looked at.
 */
export function charactersIn(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length > 4096 && isMedia(value) ? 1000 : value.length
  if (typeof value !== 'object' || value === null || depth > 64) return 0
  let total = 0
  for (const [name, member] of Object.entries(value)) {
    if (!structuralMembers.has(name)) total += charactersIn(member, depth + 1)
  }
  return total
}

/** Whether `value` nests deeper than `levels`. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some(member => isDeeperThan(member, levels - 1))
}

function isMedia(text: string): boolean {
  return text.startsWith('data:') || !text.slice(0, 4096).includes(' ')
}
