import { hash } from 'node:crypto'

const lengthDefault = 16

/** A unit vector that depends on nothing but `text`. */
export function vectorFor(text: string, dimensions = lengthDefault): readonly number[] {
  const seed = hash('sha256', text, 'buffer')
  const values = Array.from(
    { length: dimensions },
    (_, index) => (seed[index % seed.length] ?? 0) / 128 - 0.99 + index / 1024,
  )
  const norm = Math.hypot(...values)
  return values.map(value => Math.fround(value / norm))
}
