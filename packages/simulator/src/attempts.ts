/** How often each thing was asked for. Bounded: the one that began first is forgotten first. */
export interface Attempts {
  /** The number of earlier requests for `name`. */
  readonly next: (name: string) => number
  readonly clear: () => void
}

const namesMax = 10_000

export function createAttempts(): Attempts {
  const counts = new Map<string, number>()
  return {
    next(name) {
      const count = counts.get(name) ?? 0
      counts.set(name, count + 1)
      if (counts.size > namesMax) {
        for (const oldest of counts.keys()) {
          counts.delete(oldest)
          break
        }
      }
      return count
    },
    clear: () => counts.clear(),
  }
}
