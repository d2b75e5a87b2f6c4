/**
 * What an error message allows in place of `found`: the names, cut at sixteen, and the nearest one where one
 * is near.
 */
export function suggestName(found: string, names: readonly string[]): string {
  const near = names
    .map(name => ({ name, distance: editDistance(found.toLowerCase(), name.toLowerCase()) }))
    .filter(
      ({ name, distance }) => distance <= Math.max(name.length > 3 ? 2 : 1, Math.floor(name.length / 3)),
    )
    .sort((left, right) => left.distance - right.distance)[0]
  const shown = names.length > 16 ? `${names.slice(0, 16).join(', ')}, …` : names.join(', ')
  return near === undefined ? shown : `${shown} (did you mean ${near.name}?)`
}

/** Levenshtein distance; texts are cut at 64 characters, so the work is bounded. */
function editDistance(left: string, right: string): number {
  const from = left.slice(0, 64)
  const to = right.slice(0, 64)
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
