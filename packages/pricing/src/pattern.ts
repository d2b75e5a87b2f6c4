/**
 * Whether `name` fits `pattern`, in which `*` stands for any characters or none. Case-sensitive; nothing is
 * tried twice.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const firstStar = pattern.indexOf('*')
  if (firstStar === -1) return pattern === name
  const lastStar = pattern.lastIndexOf('*')
  const tailLength = pattern.length - lastStar - 1
  if (name.length < firstStar + tailLength) return false
  if (!name.startsWith(pattern.slice(0, firstStar))) return false
  if (!name.endsWith(pattern.slice(lastStar + 1))) return false
  if (firstStar === lastStar) return true
  return holdsInOrder(name.slice(firstStar, name.length - tailLength), pattern.slice(firstStar + 1, lastStar))
}

/**
 * The parts between stars, each found at its first place behind the one before: if any way fits, this one
 * does.
 */
function holdsInOrder(text: string, parts: string): boolean {
  let from = 0
  for (const part of parts.split('*')) {
    const at = text.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return true
}

/**
 * A look-up by name over exact names and patterns: an exact name before any pattern, of the patterns the one
 * with the most literal characters, then the one with more of them before its first star. Of equal entries
 * the last one counts.
 */
export function compilePatterns<Value>(
  entries: Iterable<readonly [string, Value]>,
): (name: string) => Value | undefined {
  const exact = new Map<string, Value>()
  const byPattern = new Map<string, Value>()
  for (const [pattern, value] of entries) (pattern.includes('*') ? byPattern : exact).set(pattern, value)
  const patterns = [...byPattern].sort(([left], [right]) => comparePatterns(left, right))
  return name => exact.get(name) ?? patterns.find(([pattern]) => matchesPattern(pattern, name))?.[1]
}

function comparePatterns(left: string, right: string): number {
  return (
    literalLength(right) - literalLength(left) ||
    right.indexOf('*') - left.indexOf('*') ||
    (left < right ? -1 : 1)
  )
}

const literalLength = (pattern: string) => pattern.replaceAll('*', '').length
